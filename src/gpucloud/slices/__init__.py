"""Slices of a card: what a host offers of each, what is cut already, and how a wanted cut is reached. Pure.

Takes a `Host`, and what NVIDIA's tool printed of MIG where somebody has it; gives one `Offer` a card,
whatever interface is below: mediated devices of the card or of its virtual functions, NVIDIA's own VFIO
interface, MIG instances, Intel GVT-g, plain virtual functions of AMD and Intel. Where a card offers none,
the offer says why.

The interface is told by what the host shows in sysfs. Names of models only bound what could be.
"""

from gpucloud.slices.offer import offers_of
from gpucloud.slices.profile import Interface, Offer, Profile, Slice

__all__ = ["Interface", "Offer", "Profile", "Slice", "offers_of"]
