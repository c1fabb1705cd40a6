"""The distribution, how it boots, and how it configures kernel modules."""

from __future__ import annotations

import shlex

from gpucloud.inventory.reader import Reader
from gpucloud.inventory.system.configuration import read_configuration
from gpucloud.model.host import Distribution
from gpucloud.model.unknown import Unknown

_FAMILIES = (
    ("debian", ("debian", "ubuntu")),
    ("rhel", ("rhel", "fedora", "centos")),
    ("suse", ("suse", "opensuse", "sles")),
    ("arch", ("arch",)),
)
_BOOT_LOADERS = (
    ("grub", ("/etc/default/grub", "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg")),
    ("bls", ("/boot/loader/entries/*.conf",)),
    (
        "systemd-boot",
        ("/boot/loader/loader.conf", "/boot/efi/loader/loader.conf", "/efi/loader/loader.conf"),
    ),
    ("kernelstub", ("/etc/kernelstub/configuration",)),
    ("proxmox-boot-tool", ("/etc/kernel/proxmox-boot-uuids",)),
)
_INITRAMFS_TOOLS = (
    ("initramfs-tools", ("/usr/share/initramfs-tools/init",)),
    ("dracut", ("/usr/lib/dracut/dracut-functions.sh",)),
    ("mkinitcpio", ("/usr/lib/initcpio/functions",)),
)
"""A file of the tool's own, in a small folder: programs lie in folders with thousands."""

SIGNS = tuple(path for signs in (_BOOT_LOADERS, _INITRAMFS_TOOLS) for _, paths in signs for path in paths)
"""All paths whose presence is looked for here."""


def read_distribution(reader: Reader) -> Distribution:
    """Read os-release(5) and what is installed to boot with."""
    release = reader.read_text("/etc/os-release")
    if not isinstance(release, str):
        fallback = reader.read_text("/usr/lib/os-release")
        release = fallback if isinstance(fallback, str) else release
    if release is None:
        release = Unknown("/etc/os-release is not there")
    facts = release if isinstance(release, Unknown) else parse_os_release(release)
    configuration = read_configuration(reader)
    return Distribution(
        id=facts if isinstance(facts, Unknown) else facts.get("ID", "linux"),
        version=facts if isinstance(facts, Unknown) else facts.get("VERSION_ID"),
        family=facts if isinstance(facts, Unknown) else family_of(facts),
        boot_loaders=_present(reader, _BOOT_LOADERS),
        initramfs_tools=_present(reader, _INITRAMFS_TOOLS),
        module_configuration=configuration.directives,
        unread_configuration=configuration.unread,
    )


def parse_os_release(text: str) -> dict[str, str]:
    """Read ``KEY=value`` lines, quoted as in a shell; lines that are none are left out."""
    facts = {}
    for line in text.splitlines():
        key, separator, value = line.strip().partition("=")
        if not separator or key.startswith("#"):
            continue
        try:
            facts[key] = "".join(shlex.split(value))
        except ValueError:  # a quote without its end
            facts[key] = value.strip("'\"")
    return facts


def family_of(facts: dict[str, str]) -> str:
    """The family by ``ID``, then by ``ID_LIKE``, nearest first; the id itself where none is known."""
    id_ = facts.get("ID", "linux")
    for word in (id_, *facts.get("ID_LIKE", "").split()):
        for family, words in _FAMILIES:
            if word in words or word.startswith(f"{family}-"):
                return family
    return id_


def _present(reader: Reader, signs: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[str, ...] | Unknown:
    """Names whose signs are there. A folder that cannot be read leaves the answer open."""
    found, whys = [], []
    for name, paths in signs:
        answers = [_is_there(reader, path) for path in paths]
        if any(answer is True for answer in answers):
            found.append(name)
        else:
            whys += [answer.why for answer in answers if isinstance(answer, Unknown)]
    return Unknown("; ".join(dict.fromkeys(whys))) if whys else tuple(found)


def _is_there(reader: Reader, path: str) -> bool | Unknown:
    folder, _, name = path.rpartition("/")
    names = reader.list_dir(folder)
    if isinstance(names, Unknown):
        return names
    if name == "*.conf":
        return any(each.endswith(".conf") for each in names or ())
    return name in (names or ())
