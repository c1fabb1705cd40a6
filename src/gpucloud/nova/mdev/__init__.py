"""``[devices]enabled_mdev_types`` and its sections as a release's libvirt driver reads them.

``choose_types`` gives the type and resource class of every GPU, or nova's refusal. Rules follow
``nova/virt/libvirt/driver.py``: ``_get_supported_vgpu_types`` and what reads its results. ``parents_of`` puts
it together with what the GPUs of a host offer.
"""

from gpucloud.nova.mdev.choose import MdevSection, MdevTypes, choose_types
from gpucloud.nova.mdev.offer import Parent, parents_of

__all__ = ["MdevSection", "MdevTypes", "Parent", "choose_types", "parents_of"]
