"""``[pci]device_spec`` (``passthrough_whitelist``) as a release of nova reads it.

``parse_device_specs`` gives the entries in order, or nova's refusal; ``DeviceSpec.matches`` says whether an
entry takes a device. Rules follow ``nova/pci/devspec.py`` and ``nova/pci/whitelist.py`` at each release.
"""

from gpucloud.nova.device_spec.entry import DeviceSpec
from gpucloud.nova.device_spec.parse import parse_device_specs

__all__ = ["DeviceSpec", "parse_device_specs"]
