"""What points to a cause without proving it: said for information, where nothing in a report says more."""

# A table reads best in rows, one phrase each.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase
from gpucloud.model.finding import Level

_HINT = Level.INFO
_MAC, _SECURE, _IN_USE, _MEMORY = "mac-denied", "secure-boot", "gpu-in-use", "host-memory-short"

SETTINGS = (
    Phrase("mac-turned-off", "setenforce 0", cause=_MAC, confidence=0.35, by="setenforce(8)", level=_HINT, says="SELinux was made permissive: perhaps it refuses something to the guest"),
    Phrase("mac-turned-off", "security_driver", r"^\s*security_driver\s*=\s*\W{0,3}none", _MAC, 0.3, "libvirt was told to confine guests no more: perhaps its profile refuses something", "libvirt src/qemu/qemu.conf.in", _HINT),
    Phrase("mac-turned-off", "selinux", r"SELinux.{0,30}(?:permissive|disabl\w+).{0,60}\b(?:works?|fix\w*|solve\w*|helped|starts)\b|(?:works?|starts) .{0,30}SELinux (?:is )?(?:permissive|disabled|off)", _MAC, 0.6, "SELinux refuses something to the guest", "people", _HINT),
    Phrase("mac-turned-off", "aa-complain", cause=_MAC, confidence=0.35, by="aa-complain(8)", level=_HINT, says="An AppArmor profile was made to complain only: perhaps it refuses something to the guest"),
    Phrase("secure-boot-on", "secureboot enabled", cause=_SECURE, confidence=0.3, by="mokutil(1)", level=_HINT, says="Secure Boot is on: modules that nobody trusted has signed are refused"),
    Phrase("users-of-card", "processes:", r"Processes:.{0,400}\|\s+\d+\s+(?:N/A\s+N/A\s+)?\d+\s+[CG+]{1,3}\s+\S+", _IN_USE, 0.3, "Programs of this system use the card", "nvidia-smi", _HINT),
    Phrase("start-timeout", "got timeout", r"(?:start failed|command '/usr/bin/kvm).{0,2000}failed: got timeout|TASK ERROR:.{0,60}got timeout", _MEMORY, 0.4, "The start took too long: all of the guest's memory is claimed first, which is slow where it is short or scattered", "Proxmox VE PVE/QemuServer.pm", _HINT),
    Phrase("memory-claim", "cannot allocate memory", cause=_MEMORY, confidence=0.3, by="errno ENOMEM", level=_HINT, says="Memory cannot be had"),
    Phrase("memlock-hint", "limitmemlock", r"LimitMEMLOCK=\s*\d+[KMG]?\s*$", "memlock-limit", 0.4, "A unit's limit of locked memory is a number, which has to hold all memory of a guest with a device", "systemd.exec(5)", _HINT),
    Phrase("memlock-hint", "locked memory", r"max locked memory\s+\(kbytes, -l\) (?:64|65|1024|8192|65536)\s*$", "memlock-limit", 0.35, "The limit of locked memory is too low for a guest with a device", "bash(1): ulimit", _HINT),
    Phrase("lxd-limits", "forklimits", r"forklimits.{0,200}(?:fail|error|denied|exit status)", "memlock-limit", 0.45, "The limits for QEMU cannot be set", "LXD, Incus: forklimits", _HINT),
)

BUILDS = (
    Phrase("config-vfio", "is not set", r"^\W*(?:\S+:)?# CONFIG_VFIO(?:_PCI|_IOMMU_TYPE1)? is not set", "wrong-kernel-module", 0.9, "This kernel is built without vfio", "Linux drivers/vfio/Kconfig"),
    Phrase("config-iommu", "is not set", r"# CONFIG_(?:INTEL_IOMMU|AMD_IOMMU|ARM_SMMU_V3|IOMMU_SUPPORT) is not set", "wrong-kernel-module", 0.7, "This kernel is built without a driver of an IOMMU", "Linux drivers/iommu/Kconfig", Level.WARNING),
    Phrase("config-remap", "is not set", r"# CONFIG_IRQ_REMAP is not set", "interrupt-remapping-missing", 0.9, "This kernel is built without interrupt remapping", "Linux drivers/iommu/Kconfig"),
    Phrase("image-without-vfio", "grep", r"[$#] ?(?:sudo )?(?:lsinitramfs|lsinitrd|lsinitcpio|unmkinitramfs)\b[^|\n]{0,80}\| ?grep[^|\n]{0,20}vfio['\"]? +(?:\S+@\S+|\[\S+ \S+\])[$#](?: |$)", "initramfs-not-updated", 0.7, "The boot image has no module of vfio", "lsinitramfs(8), lsinitrd(1)", Level.WARNING),
)

_CURED = r"(?:\b(?:works?|worked|working|fix\w*|solv\w*|helped|cured|did the trick|necessary|needed)\b)"
WORDS = (
    Phrase("mac-said", "selinux", r"SELinux (?:is |was |seems to be )?(?:block|prevent|den(?:y|ie)|refus)\w*|(?:blocked|denied|prevented|refused) by SELinux", _MAC, 0.7, "SELinux refuses something to the guest", "people", _HINT, unless=r"SELinux is preventing \S+ from"),
    Phrase("mac-said", "apparmor", r"AppArmor (?:is |was |profile |seems to be )*(?:block|prevent|den(?:y|ie)|refus)\w*|(?:blocked|denied|prevented|refused) by AppArmor", _MAC, 0.65, "AppArmor refuses something to the guest", "people", _HINT),
    *(Phrase("mac-said", needle, r"\b(?:conflict\w* with|because of|due to|caused by|(?:error|denial|denied|refusal)\w* (?:from|by)|blame\w*|culprit (?:is|was)) (?:\w+ )?(?:AppArmor|SELinux)\b|\b(?:AppArmor|SELinux)\b (?:\w+ )?(?:problem|conflict|denial)s?\b", _MAC, 0.5, "AppArmor or SELinux is said to refuse something to the guest", "people", _HINT, unless=r"\b(?:no|not|without) (?:\w+ ){0,3}?(?:AppArmor|SELinux)")
      for needle in ("apparmor", "selinux")),
    Phrase("secure-said", "secure boot", rf"(?:disabl\w+|turn\w* off) [Ss]ecure ?[Bb]oot.{{0,60}}{_CURED}|(?:fail|refus|reject|won't load|not load)\w*.{{0,60}}[Ss]ecure ?[Bb]oot (?:is )?(?:enabled|on)\b|[Ss]ecure ?[Bb]oot (?:is |was )?(?:enabled|on|active)\b.{{0,120}}(?:fail|refus|reject|not (?:load|trust|boot|accept))|[Ss]ecure ?[Bb]oot enforces|[Ss]ecure ?[Bb]oot.{{0,40}}(?:prevent|block|reject|refus)\w*", _SECURE, 0.6, "Secure Boot keeps a module from loading", "people", _HINT),
    Phrase("memlock-said", "memlock", r"(?:ulimit -l|memlock\W{1,6})\s*(?:unlimited|infinity|-1)", "memlock-limit", 0.3, "The limit of locked memory was raised by hand: perhaps it was too low", "limits.conf(5)", _HINT),
    Phrase("memlock-said", "ulimit -l", cause="memlock-limit", confidence=0.3, by="bash(1): ulimit", level=_HINT, says="The limit of locked memory is in question"),
    *(Phrase("memory-said", needle, r"(?:[Nn]ot enough|[Ii]nsufficient) (?:free |host |available )?memory\b(?! limit)", _MEMORY, 0.4, "Memory is said to be short", "programs and people", _HINT)
      for needle in ("not enough", "insufficient")),
    Phrase("memory-schedule", "insufficient memory", r"\d+ Insufficient memory\b", _MEMORY, 0.6, "No node has enough free memory for the guest's pod", "Kubernetes scheduler"),
    Phrase("reset-said", "first time", r"works? (?:only )?(?:once|the first time)\b.{0,100}(?:reboot|restart|second|again)", "reset-bug", 0.5, "The card works for one guest start only: it is not reset", "people", _HINT),
    Phrase("rom-said", "bios", rf"(?:dump|patch|pass|add|need)\w* (?:to dump |to patch )?(?:the |a |my )?(?:v|vga|video )?bios(?: rom)?\b.{{0,60}}{_CURED}", "vbios-rom", 0.5, "The guest needs a copy of the video BIOS", "people", _HINT),
    Phrase("msi-said", "msi", rf"(?:enabl\w+|turn\w* on|switch\w* to) MSI\b.{{0,60}}{_CURED}", "msi-not-enabled", 0.5, "The card runs on line interrupts in the guest", "people", _HINT),
    Phrase("acs-said", "acs override", cause="acs-missing", confidence=0.3, by="people", level=_HINT, says="The card may share its group with other devices: parting the group is in question"),
)

PHRASES = (*SETTINGS, *BUILDS, *WORDS)
