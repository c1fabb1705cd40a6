"""Hardware virtualization: without it no guest runs, with a GPU or without."""

from __future__ import annotations

from gpucloud.doctor.case import Blind, Case
from gpucloud.doctor.remedy import REBOOT
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Evidence, Finding, Fix, Level
from gpucloud.model.unknown import Unknown

CAUSE = "kvm-unavailable"
_MODULE = {"intel": "kvm_intel", "amd": "kvm_amd"}
_CPUINFO = "/proc/cpuinfo"


@rule
def no_working_kvm(case: Case) -> Answers:
    """No hardware virtualization that works: the flag, the module, the device, or the kernel says no."""
    kvm = case.host.kvm
    if kvm.has_device is True and kvm.refusal is None:
        return
    if isinstance(kvm.has_device, Unknown):
        yield from _by_flag(case, kvm.has_device)
    elif not kvm.has_device:
        yield from _by_flag(case, None)
    elif isinstance(kvm.refusal, Unknown):
        yield Blind(CAUSE, "whether KVM makes a virtual machine", kvm.refusal.why)
    else:
        yield _finding(
            case,
            f"KVM refuses to make a virtual machine: {kvm.refusal}",
            (Evidence("/dev/kvm", str(kvm.refusal)),),
            Fix(
                "Look at what the kernel says (dmesg, kvm:). Where this host is itself a guest, its own "
                "hypervisor must pass virtualization on; where permission is denied, join the group kvm.",
                ("dmesg | grep -i kvm",),
                "none to look",
            ),
        )


def _by_flag(case: Case, unread: Unknown | None) -> Answers:
    """The device is absent, or could not be looked for: the processor's flag decides what to say."""
    cpu = case.host.cpu
    if cpu.vendor in _MODULE and cpu.virtualization is None:
        yield _no_flag(case)
    elif unread is not None:
        yield Blind(CAUSE, "/dev/kvm", unread.why)
    else:
        yield _no_device(case)


def _no_flag(case: Case) -> Finding:
    evidence = (case.cite(_CPUINFO, "flags: neither vmx nor svm"),)
    if case.host.cpu.is_virtual is True:
        return _finding(
            case,
            "This host is a guest without nested virtualization: it cannot run guests of its own with KVM",
            evidence,
            Fix(
                "Turn nested virtualization on at the hypervisor below (kvm_intel or kvm_amd nested=1) "
                "and give "
                "this guest the host's processor (-cpu host, host-passthrough), or use a bare machine.",
                costs="this guest is down while its definition changes",
            ),
        )
    return _finding(
        case,
        "The processor shows no virtualization: VT-x or AMD-V (SVM) is off in the firmware",
        evidence,
        Fix("Turn Intel VT-x or AMD SVM on in the firmware setup, then boot again.", costs=REBOOT),
    )


def _no_device(case: Case) -> Finding:
    module = _MODULE.get(case.host.cpu.vendor if isinstance(case.host.cpu.vendor, str) else "", "kvm")
    available = case.host.kernel.available_modules
    if not isinstance(available, Unknown) and module not in available:
        return _finding(
            case,
            f"/dev/kvm is missing, and this kernel has no module {module}",
            (Evidence("/dev/kvm", "not there"), Evidence("/lib/modules", f"no {module}")),
            Fix(
                "Boot a kernel of the distribution that has KVM (not a cloud or minimal build).", costs=REBOOT
            ),
        )
    loaded = case.host.kernel.loaded_modules
    if not isinstance(loaded, Unknown) and module in loaded:
        return _finding(
            case,
            f"/dev/kvm is missing although the module {module} is loaded",
            (Evidence("/dev/kvm", "not there"), Evidence(f"/sys/module/{module}", "there")),
            Fix(
                "In a container, give it the device /dev/kvm; on a bare host load the module again and look "
                "at the kernel log (kvm:), which says why it made no device.",
                (f"modprobe -r {module} && modprobe {module}", "dmesg | grep -i kvm"),
                "nothing while no guest runs",
            ),
        )
    return _finding(
        case,
        f"/dev/kvm is missing: the module {module} is not loaded"
        if not isinstance(loaded, Unknown)
        else f"/dev/kvm is missing: the module {module} may not be loaded",
        (Evidence("/dev/kvm", "not there"),),
        Fix(f"Load {module}; the kernel log says why where it refuses.", (f"modprobe {module}",), "nothing"),
    )


def _finding(case: Case, title: str, evidence: tuple[Evidence, ...], fix: Fix) -> Finding:
    return Finding(
        cause=CAUSE,
        level=Level.BLOCKER,
        title=title,
        evidence=evidence,
        why="Without KVM guests run in software emulation, fifteen times slower or worse: a guest gets its "
        "GPU all the same, but nothing in it that needs one runs at a usable speed."
        if case.host.units
        else "Without KVM guests run in software emulation, fifteen times slower or worse.",
        fix=fix,
        confidence=0.9,
    )
