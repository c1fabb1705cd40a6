"""That something failed, in the words of programs and people: it lets messages weigh that are often noise."""

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase

_FAILED = (
    "black screen", "no signal", "no display", "no output", "no video", "blank screen", "code 43", "error 43",
    "error starting domain", "failed to start domain", "unexpectedly closed the monitor", "start failed",
    "task error", "process exited prior to exec", "process exited while connecting", "syncvmi failed",
    "does not boot", "doesn't boot", "won't boot", "not working", "doesn't work", "does not work", "freez",
    "call trace:", "kernel panic", "crashloopbackoff", "fails to start", "failed to start vm", "won't start",
)  # fmt: skip
_REFUSED = (
    "permission denied", "operation not permitted", "could not open", "access denied", "cannot access",
    "syncvmi failed", "unexpectedly closed the monitor", "failed to start", "error starting domain",
    "start failed", "task error", "not allowed",
)  # fmt: skip
_NO_DRIVER = ("fatal error during gpu init", "finished loading failed")

PHRASES = (
    *(Phrase("complaint", needle, says="something failed", by="programs and people") for needle in _FAILED),
    *(Phrase("refusal", needle, says="something was refused", by="programs") for needle in _REFUSED),
    *(
        Phrase("driver-gave-up", needle, says="a driver gave up", by="Linux amdgpu, i915")
        for needle in _NO_DRIVER
    ),
    Phrase(
        "irq-of-card",
        "handlers:",
        r"handlers:.{0,200}(?:vfio|nvidia|nouveau|snd_hda)",
        says="a card's driver serves the interrupt",
        by="Linux kernel/irq/spurious.c",
    ),
    *(
        Phrase(
            "irq-of-card",
            needle,
            r"\[<[0-9a-fp]+>\] .{0,40}(?:vfio_|nvidia_|nouveau|azx_)",
            by="Linux spurious.c",
        )
        for needle in (">] vfio", ">] nvidia", ">] nouveau", ">] azx", "threaded [<", ">] nv_")
    ),
    Phrase(
        "driver-gave-up",
        "error -2",
        r"probe (?:of \S+|with driver \S+) failed with error -2\b",
        by="Linux dd.c",
    ),
)
