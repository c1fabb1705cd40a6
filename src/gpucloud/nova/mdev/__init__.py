"""``[devices]enabled_mdev_types`` and its sections as a release's libvirt driver reads them.

``choose_types`` gives the type and resource class of every GPU, or nova's refusal. Rules follow
``nova/virt/libvirt/driver.py``: ``_get_supported_vgpu_types`` and what reads its results.
"""

from gpucloud.nova.mdev.choose import MdevSection, MdevTypes, choose_types

__all__ = ["MdevSection", "MdevTypes", "choose_types"]
