"""The running kernel and the processor below it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from gpucloud.inventory.capture.allowlist import KVM_ANSWER
from gpucloud.inventory.reader import Reader, needed
from gpucloud.inventory.system.modules import read_available, read_builtin, read_loaded
from gpucloud.model.host import Cpu, Kernel, Kvm
from gpucloud.model.unknown import Unknown

_RELEASE = re.compile(r"[\w.+~-]{1,128}", re.ASCII)
_VENDORS = {"GenuineIntel": "intel", "AuthenticAMD": "amd", "HygonGenuine": "amd"}
"""Hygon's processors are AMD's: SVM and AMD-Vi (arch/x86/kernel/cpu/hygon.c)."""
_ADDRESS_BITS = re.compile(r"\b([0-9]{1,3}) bits physical", re.ASCII)


def read_kernel(reader: Reader) -> Kernel:
    """Read release, arguments and modules."""
    release = _release(reader)
    arguments = needed(reader.read_text("/proc/cmdline"), "/proc/cmdline")
    loaded = read_loaded(reader)
    return Kernel(
        release=release,
        arguments=parse_arguments(arguments) if isinstance(arguments, str) else arguments,
        loaded_modules=loaded,
        available_modules=read_available(reader, release, loaded),
        builtin_modules=read_builtin(reader, release),
    )


def parse_arguments(text: str) -> tuple[str, ...]:
    """Split kernel arguments; double quotes keep spaces together (lib/cmdline.c, ``next_arg``)."""
    return tuple(re.findall(r'(?:[^\s"]|"[^"]*(?:"|$))+', text))


def before_init(words: Sequence[str]) -> tuple[str, ...]:
    """Arguments that the kernel takes itself: those behind ``--`` go to init, and to whoever reads them all.

    Source: Documentation/admin-guide/kernel-parameters.rst, kernel/params.c parse_args(). modprobe reads the
    whole line (kmod's libkmod-config.c, kmod_config_parse_kcmdline()).
    """
    return tuple(takewhile(lambda word: word != "--", words))


def _release(reader: Reader) -> str | Unknown:
    path = "/proc/sys/kernel/osrelease"
    text = needed(reader.read_text(path), path)
    if isinstance(text, Unknown):
        return text
    release = text.strip()
    return release if _RELEASE.fullmatch(release) else Unknown(f"{path} is no release: {release[:60]!r}")


def read_cpu(reader: Reader) -> Cpu:
    """Read the first processor of ``/proc/cpuinfo``; all are of one kind in a server."""
    text = needed(reader.read_text("/proc/cpuinfo"), "/proc/cpuinfo")
    if isinstance(text, Unknown):
        return Cpu(vendor=text, virtualization=text, is_virtual=text, physical_address_bits=text)
    return parse_cpu(text)


def parse_cpu(text: str) -> Cpu:
    """Read the facts of the first processor. Processors other than x86 show none of them."""
    first = text.strip().split("\n\n")[0]
    facts = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.split("\n"))
    }
    flags = frozenset(facts.get("flags", "").split())
    bits = _ADDRESS_BITS.search(facts.get("address sizes", ""))
    without = Unknown("/proc/cpuinfo does not say: the processor is not x86")
    return Cpu(
        vendor=_VENDORS.get(facts["vendor_id"], facts["vendor_id"]) if "vendor_id" in facts else without,
        virtualization=next((flag for flag in ("vmx", "svm") if flag in flags), None) if flags else without,
        is_virtual="hypervisor" in flags if flags else without,
        physical_address_bits=int(bits[1]) if bits else without,
    )


def read_kvm(reader: Reader) -> Kvm:
    """Read whether /dev/kvm is there, and what it said when it was asked for a virtual machine."""
    names = reader.list_dir("/dev")
    has_device = "kvm" in (names or ()) if not isinstance(names, Unknown) else names
    said = reader.read_text(KVM_ANSWER)
    if said is None:
        return Kvm(has_device, Unknown("only the running host itself can be asked"))
    if isinstance(said, Unknown):
        return Kvm(has_device, Unknown(said.why.removesuffix(f": {KVM_ANSWER}")))
    return Kvm(has_device, said.strip() or None)
