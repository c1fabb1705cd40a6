"""A whole host, read once: every fact of ``model.host`` from one ``Reader``."""

from __future__ import annotations

from gpucloud.inventory.pci.function import Names
from gpucloud.inventory.pci.functions import read_functions
from gpucloud.inventory.pci.groups import Groups, groups_of, read_groups
from gpucloud.inventory.pci.names import NEWEST
from gpucloud.inventory.pci.parents import read_mdev_parents
from gpucloud.inventory.reader import HostReader
from gpucloud.inventory.system.distribution import read_distribution
from gpucloud.inventory.system.framebuffers import read_consoles, read_framebuffers
from gpucloud.inventory.system.iommu import read_iommu, read_security
from gpucloud.inventory.system.kernel import read_cpu, read_kernel, read_kvm
from gpucloud.inventory.system.vital import read_vital
from gpucloud.inventory.units import fold_units
from gpucloud.model.host import Host
from gpucloud.model.unknown import Unknown


def read_host(reader: HostReader, names: Names | None = None) -> Host:
    """Read a host.

    Args:
        reader: the host, or a capture of one.
        names: where names of vendors and devices come from; the newest ``pci.ids`` at hand by default.
    """
    kernel = read_kernel(reader)
    listed = read_groups(reader)
    known = Groups({}, {}, {}) if isinstance(listed, Unknown) else listed
    functions = read_functions(reader, names or NEWEST, kernel.release, listed)
    found = {} if isinstance(functions, Unknown) else functions
    groups = groups_of(found, listed) or listed if isinstance(listed, Unknown) else listed.of_iommu
    return Host(
        source=reader.label,
        kernel=kernel,
        cpu=read_cpu(reader),
        kvm=read_kvm(reader),
        iommu=read_iommu(reader, groups, tuple(known.by_vfio.values())),
        security=read_security(reader),
        distribution=read_distribution(reader),
        functions=functions,
        units=fold_units(found, groups),
        nvswitches=tuple(address for address in sorted(found) if found[address].is_nvswitch),
        framebuffers=read_framebuffers(reader),
        vital=read_vital(reader),
        consoles=read_consoles(reader),
        mdev_parents=read_mdev_parents(reader),
    )
