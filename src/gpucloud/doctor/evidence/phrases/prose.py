"""What people write of a fault where they quote no message: who does what, when it fails, what helped.

Each follows from how the fault shows, in the words that there are for card, guest, host and for going wrong;
said for information, since people guess.
"""

# A table reads best in rows, one phrase each.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase
from gpucloud.model.finding import Level

_CARD = (r"(?:v?GPUs?|[id]GPU|cards?|graphics|VGA|passthrough\w*|passed through|(?:RTX|GTX|RX|Vega|Navi|Polaris|Radeon|GeForce|Quadro|Tesla|Instinct|Arc|MI\d{2,3}[AX]?"
         r"|[AHLTPV]\d{1,3}0?\w?|\d{4} ?(?:XTX?|Ti)|AMD|NVIDIA)\b)")
_GUEST = r"(?:VMs?|guests?|virtual machines?|domains?|windows|instances?)"
_HOST = r"(?:host|hypervisor|(?:whole |entire |complete )?(?:system|machine|server|computer|PC|node|box)|proxmox|pve|unraid|everything)"
_AGAIN = (r"(?:shut\w*(?:[ -]?down)?|stop(?:s|ped|ping)?|power\w*[ -]?off|re-?start\w*|re-?boot\w*|(?:second|2nd|next|subsequent) (?:\w+ )?(?:boot|start|time|run|launch)\w*"
          r"|(?:start|boot|launch)\w* (?:\w+ ){0,6}?(?:again|a second time|once more|twice)|kill\w*|destroy\w*|forced? off)")
_NOT = r"(?:does(?:n't| not)|did(?:n't| not)|do(?:n't| not)|won't|will not|would(?:n't| not)|fail(?:s|ed|ing)? to|can(?:'t|not| not)|could(?:n't| not)|never|not|unable to|is(?:n't| not)|was(?:n't| not)|refus\w+ to)"
_CURED = r"\b(?:works?|worked|working|fix(?:e[sd])?|solv\w+|resolv\w+|help(?:s|ed)|cure[sd]?|did the trick|(?:is|was|problem|issue) gone|goes away|went away|disappear\w*|necessary|needed)\b"
_BROKEN = r"(?:malformed|broken|corrupt\w*|invalid|missing|buggy|incorrect|bogus|faulty|wrong|empty|absent)"
_TROUBLE = (r"(?:BSOD|blue ?screens?|black ?screens?|blank|no (?:display|output|signal|video|picture)|(?:code|error) 43|crash\w*|freez\w*|frozen|hang\w*|hung|lock\w* up|unusable|unavailable"
            r"|bad state|dead|stuck|disappear\w*|vanish\w*|lost|garbled|glitch\w*|panic\w*|stop using|not (?:work|detect|come|initiali[sz]|usable|avail)\w*|(?:doesn't|won't|can't|cannot|fails? to|no longer) (?:work|start|boot|come|initiali[sz]e|use|be used|detect)\w*|timeouts?|errors?)")
_RESTARTED = rf"(?:\b{_GUEST}\b.{{0,80}}?\b{_AGAIN}|\b{_AGAIN}\b.{{0,60}}?\b{_GUEST}\b|\b{_GUEST} (?:re-?start|re-?boot|shut ?down))"
_ONLY_HOST = (rf"(?:\b(?:only|until|unless|except|have to|had to|needs? to|must|forced? to|requires?|required|without|each time|every time|another|(?:fixed|cured|solved) by|is to)\b.{{0,60}}?\b(?:re-?boot|re-?start|power[ -]?cycl|reset)\w*\b.{{0,30}}?\b{_HOST}\b"
              rf"|\b{_HOST}\b.{{0,20}}?\b(?:re-?boot|re-?start|reset|power[ -]?cycle)\w*.{{0,40}}?(?:\b(?:required|needed|necessary|only|each|every)\b|{_CURED})"
              rf"|\b(?:until|unless|only)\b.{{0,40}}?\b{_HOST}\b.{{0,20}}?\b(?:re-?boot|re-?start|power[ -]?cycl)\w*)")

_RESET, _BAR, _FIRMWARE, _RMRR, _WINDOW = "reset-bug", "bar-allocation", "iommu-disabled-firmware", "rmrr-ineligible", "guest-mmio-window"
_FULL, _BOARD, _KIND, _FB, _ROM, _MEMORY = "vgpu-type-or-capacity", "vgpu-unsupported-board", "driver-kind-or-version", "boot-framebuffer-holds-gpu", "vbios-rom", "host-memory-short"
_ONCE = "The card works for one start of a guest: it is not reset between guests"
_PEOPLE = "people"
_SAID = Level.INFO

RESET = (
    # Not network cards, counters and passwords, which are reset too.
    Phrase("reset-not-done", "reset", rf"\b{_CARD}(?:(?!password|counter|network|\bNIC\b|CMOS).){{0,60}}?\b{_NOT}\b (?:\w+ ){{0,2}}?reset\b|\b{_NOT} (?:properly |correctly |cleanly )?reset (?:the |my |its )?{_CARD}", _RESET, 0.62, "The card is not reset between guests", _PEOPLE, _SAID,
           unless=r"password|factory reset|reset (?:the )?(?:CMOS|BIOS|counter|network)|no FLR|reset_method"),
    Phrase("reset-not-done", "reset", rf"^(?=.*?\b{_CARD})(?=.*?\breset (?:issues?|problems?)\b)", _RESET, 0.5, "The card is not reset between guests", _PEOPLE, _SAID, unless=r"password|factory reset|CMOS|counter|\bNIC\b"),
    Phrase("reset-not-done", "reset", rf"\b{_CARD}.{{0,20}} reset (?:issue|problem|fail\w*|does(?:n't| not) work|is not working)|\b{_CARD}.{{0,40}}supports? reset.{{0,30}}(?:does not|doesn't|not)\b", _RESET, 0.55, "The card is not reset between guests", _PEOPLE, _SAID),
    *(Phrase("host-reboot-helps", needle, rf"^(?=.*?\b{_CARD})(?=.*?{_RESTARTED})(?=.*?{_ONLY_HOST})", _RESET, 0.6, _ONCE, _PEOPLE, _SAID,
             unless=r"group \d+ is not viable|Xid|fallen off|D3cold|update-grub|update-initramfs")
      for needle in ("reboot", "restart", "shut", "second", "stop", "power", "forced")),
    *(Phrase("second-start-fails", needle, rf"^(?=.*?\b{_CARD})(?=.*?(?:{_RESTARTED}.{{0,100}}?\b{_TROUBLE}|\b{_TROUBLE}\b.{{0,60}}?(?:\b(?:on|when|after|once|upon|if)\b).{{0,40}}?{_RESTARTED}))(?=.*?\b(?:first (?:\w+ )?(?:time|boot|start|run)|once|{_HOST}\b.{{0,60}}?(?:crash|freez|hang|lock|re-?boot|re-?start)|(?:crash|freez|hang|re-?boot|re-?start)\w*.{{0,30}}?\b{_HOST}))", _RESET, 0.52, _ONCE, _PEOPLE, _SAID,
             unless=r"update-grub|update-initramfs|\bpasswords?\b|Xid|fallen off|D3cold")
      for needle in ("reboot", "restart", "shut", "second", "again")),
    Phrase("once-a-boot", "once", rf"^(?=.*?\b{_CARD})(?=.*?\bonce (?:\w+ )?(?:per|after|for|until|each|every) (?:\w+ ){{0,3}}?(?:re-?)?(?:boot|start)\w*)(?=.*?\b(?:only|just|not again|never again|no more)\b)", _RESET, 0.45, _ONCE, _PEOPLE, _SAID),
    *(Phrase("dark-after-guest", needle, rf"^(?=.*?\b{_CARD})(?=.*?\b(?:when|after|once|as soon as)\b.{{0,20}}?\b(?:shut\w*(?: |-)?down|power\w* off|stop\w*|turn\w* off)\b.{{0,30}}?\b(?:{_GUEST}|machine)\b.{{0,40}}?\b(?:black ?screen|no signal|blank|no (?:picture|display|output)))", _RESET, 0.42, "The card does not come back to its host when the guest ends", _PEOPLE, _SAID)
      for needle in ("black", "no signal", "blank", "no picture", "no display", "no output")),
    # A whole start of the host takes it away, the end of a guest brings it: it is the state that the card is left in.
    *(Phrase("not-after-whole-start", needle, rf"^(?=.*?\b{_TROUBLE})(?=.*?(?:\bnot|n't|\bnever)\b.{{0,25}}?\bafter (?:a |the )?(?:full|fresh|cold|clean|complete|whole|real|host) (?:re-?)?(?:boot|start|power[ -]?cycle))(?=.*?\bafter\b.{{0,40}}?\b(?:shut|stop|end|clos|power|destroy|kill)\w*.{{0,25}}?\b{_GUEST})", _RESET, 0.5, "The card is in a bad state after its guest, until the host starts anew", _PEOPLE, _SAID,
             unless=r"update-grub|update-initramfs|\bpasswords?\b")
      for needle in ("reboot", "fresh", "cold ", "boot", "power cycle")),
    # Said of a guest without a word on the card, in a report about cards that guests have.
    Phrase("guest-needs-new-host", "again", rf"\b{_GUEST}\b.{{0,30}}?\b{_NOT}\b (?:\w+ ){{0,3}}?(?:start|boot|run|launch)\w* (?:\w+ ){{0,3}}?again (?:until|unless|before|without)\b.{{0,30}}?\b{_HOST}\b.{{0,20}}?\bre-?(?:boot|start)", _RESET, 0.45, _ONCE, _PEOPLE, _SAID),
    *(Phrase("guest-takes-host-down", needle, rf"\b(?:re-?boot|re-?start|shut ?down|stop|power ?off)\w* (?:the |my |a |this |any )?{_GUEST}\b.{{0,20}}?\b(?:the |my |whole |entire )*{_HOST} (?:will |would |also |then )?(?:crash|freez|hang|lock|re-?boot|die)\w*", _RESET, 0.45,
             "The host goes down with a guest that ends: a card that is reset wrongly can do that", _PEOPLE, _SAID, unless=r"out of memory|\bOOM\b|kernel update")
      for needle in ("reboot", "restart", "shut", "stop", "power")),
    # NVIDIA's cards that the kernel spares the bus reset: quirk_no_bus_reset() in drivers/pci/quirks.c.
    *(Phrase("bus-reset-said", needle, rf"\b(?:SBR|(?:secondary )?bus reset)\b.{{0,50}}?\b(?:{_TROUBLE}|inoperable)|{_NOT} (?:work|survive|support|come back)\w* (?:with|after|from)? ?(?:a |an |the )?(?:SBR|(?:secondary )?bus reset)\b", _RESET, 0.55, "The card does not survive a reset of its bus", "Linux drivers/pci/quirks.c, quirk_no_bus_reset(); people", _SAID)
      for needle in ("sbr", "bus reset")),
    *(Phrase("guest-no-second-boot", needle, rf"^\W*(?:\w+ ){{0,3}}?{_GUEST} (?:{_NOT}) (?:\w+ )?(?:re-?boot|re-?start)\b|\b{_CARD}.{{0,60}}?\b{_GUEST} (?:{_NOT}) (?:\w+ )?(?:re-?boot|re-?start)\b", _RESET, 0.4, "The guest does not start a second time: a card that is not reset shows so", _PEOPLE, _SAID, unless=r"\b(?:need|have|has|want) (?:not )?to (?:re-?boot|re-?start)|update|\bquota\b")
      for needle in ("reboot", "restart", "re-boot")),
    Phrase("domain-shutting-down", "shutting down", rf"^(?=.*?\b{_CARD})(?=.*?(?:hang\w*|stuck|remain\w*|stay\w*).{{0,40}}shutting down)", _RESET, 0.5, "A guest does not end: its card does not come back from its reset", _PEOPLE, _SAID),
)

FIRMWARE = (
    *(Phrase("above-4g-said", needle, rf"(?:\bno\b|\black\w*|\bmissing|\bwithout|\babsen\w+|\bhidden|(?:n't|not) (?:have|find|see|offer|support)\w*).{{0,40}}above.?4 ?G|above.?4 ?G\w*(?: decod\w*| memory| mmio| option)*.{{0,50}}?(?:\b(?:missing|unsupported|absent)|n't (?:exist|work|there)|not (?:available|present|supported|working|enough))"
             rf"|above.?4 ?G.{{0,90}}?{_CURED}|{_CURED}.{{0,60}}?above.?4 ?G|above.?4 ?G.{{0,60}}?\b(?:black screen|no boot|no post|leads to|causes?)\b|allocate above.?4 ?G", _BAR, 0.58, "A BAR of the card needs room above 4 GiB, or lies there and is not reached", _PEOPLE, _SAID)
      for needle in ("above 4", "above4", "above-4")),
    *(Phrase("large-bar-said", needle, rf"\b{_NOT} (?:boot|post|start)\b.{{0,60}}?\b(?:BAR|ReBAR|rebar)\b(?: size)?|\b(?:BAR|ReBAR)\b.{{0,70}}?\b{_NOT} (?:boot|post|start)\b|\bBAR\b.{{0,20}}(?:too (?:big|large)|does(?:n't| not) fit|no room)", _BAR, 0.58, "The firmware finds no room for a BAR of this size", _PEOPLE, _SAID,
             unless=r"\b(?:VM|guest)\b.{0,30}boot")
      for needle in ("bar size", "rebar", " bar ")),
    *(Phrase("rebar-said", needle, rf"\b(?:tripp\w* up|trouble|problem|issue|culprit|cause[ds]?|because|due to|fault|incompatible)\b.{{0,60}}?\b(?:resizable BAR|Re-?BAR|smart access memory)\b|\b(?:disabl|turn)\w*(?: off)? (?:the )?(?:resizable BAR|Re-?BAR|smart access memory)\b.{{0,60}}?{_CURED}|{_CURED}.{{0,60}}?\b(?:disabl\w+|turn\w+ off|without) (?:the )?(?:resizable BAR|Re-?BAR)|\b{_NOT} (?:boot|start|work)\b.{{0,40}}?\b(?:resizable BAR|Re-?BAR)\b.{{0,20}}?\b(?:on|enabled|active)\b",
             _BAR, 0.55, "A resized BAR is said to be in the way: the guest has to find room for all of it", "Linux drivers/vfio/pci/vfio_pci_config.c: the guest cannot resize what the host has sized; people", _SAID)
      for needle in ("resizable", "rebar", "re-bar", "smart access memory")),
    # A card whose BARs do not fit stops the firmware before anything is drawn.
    Phrase("no-post-said", " post", rf"^(?=.*?\b{_CARD})(?=.*?(?:\bno POST\b|\b{_NOT} (?:even )?(?:pass |finish |complete )?POST\b|\bstuck (?:at|in|during) POST\b|\bhangs? (?:at|in|during) POST\b))", _BAR, 0.52, "The server does not start with the card in it: most often its firmware finds no room for a BAR", _PEOPLE, _SAID),
    *(Phrase("no-room-said", needle, r"\b(?:insufficient|not enough|too little|no|lack of|out of|fail\w* to allocate|cannot allocate|can't allocate|run\w* out of) (?:\w+ ){0,2}?(?:BAR (?:space|memory|resources?)|(?:PCIe?|MMIO) (?:\w+ )?(?:space|resources?|memory))\b", _BAR, 0.58, "The firmware finds no room for a BAR of the card", _PEOPLE, _SAID,
             unless=r"\b(?:VM|guest)\b|SR-?IOV|cores?\b|bus numbers?")
      for needle in ("bar space", "bar memory", "bar resource", "pci resource", "pcie resource", "mmio space", "mmio resource")),
    *(Phrase("table-said-broken", needle, rf"\b(?:DMAR|IVRS|IVMD|IVHD|DRHD|IORT)\b.{{0,60}}?\b{_BROKEN}\b|\b{_BROKEN}\b.{{0,20}}?\b(?:DMAR|IVRS|IVMD|IVHD|DRHD|IORT)\b", _FIRMWARE, 0.6, "The firmware's table of IOMMUs is said to be broken", _PEOPLE, _SAID)
      for needle in ("dmar", "ivrs", "ivmd", "ivhd", "drhd", "iort")),
    Phrase("rmrr-said-broken", "rmrr", rf"\bRMRRs?\b.{{0,40}}?\b(?:is |are |was )?{_BROKEN}\b|\b{_BROKEN}\b.{{0,20}}?\bRMRR", _RMRR, 0.55, "Memory that the firmware reserves is said to be described wrongly", _PEOPLE, _SAID),
    *(Phrase("iommu-off-said", needle, r"\b(?:IOMMU|VT-?d|AMD-?Vi)\b.{0,100}?\b(?:not (?:enabled|turned on|activated|on|set)|disabled|turned off|off) in (?:the |my |your |its )?(?:\w+ )?(?:BIOS|UEFI|firmware|setup)|\b(?:forgot|forgotten|had) to (?:enable|turn on|activate|switch on) (?:the )?(?:IOMMU|VT-?d|AMD-?Vi|it) in (?:the |my )?(?:BIOS|UEFI)"
             rf"|(?:enabl|activat|turn)\w*(?: on)? (?:the )?(?:IOMMU|VT-?d|AMD-?Vi)\b.{{0,30}}(?:BIOS|UEFI).{{0,40}}{_CURED}|BIOS (?:does(?:n't| not) (?:have|offer|show)|has no|lacks).{{0,30}}(?:IOMMU|VT-?d|AMD-?Vi)", _FIRMWARE, 0.62, "The IOMMU is said to be off in the firmware", _PEOPLE, _SAID)
      for needle in ("bios", "uefi", "firmware")),
)

# Said of a guest, room above 4 GiB is what its firmware gives; of a host, what the board's does.
_FIRMWARE_OF_GUEST = r"(?:OVMF|edk2|EDK ?II|SeaBIOS|QEMU|q35|pc-q35|libvirt|VMs?|guests?)"
_ROOM = (r"(?:MMIO (?:window|space|aperture|hole|region)|(?:PCI ?64|64[ -]?bit(?: PCI)?(?: MMIO)?|PCI(?: 64[ -]?bit)?) (?:aperture|window|hole)|64[ -]?bit MMIO|pci-hole64(?:-size)?|X-PciMmio64Mb)")
_NARROW = r"(?:too (?:small|little|low|narrow)|limit\w*|hard-?coded|exhaust\w*|not (?:enough|fit|allow\w*|big enough|large enough|sufficient)|(?:does|do)(?:n't| not) (?:allow|fit|load|see|work)|insufficient|larger|bigger|increas\w*|rais\w*|unusable|impaired|how is)"

WINDOW = (
    *(Phrase("window-said", needle, rf"^(?=.*?\b{_FIRMWARE_OF_GUEST}\b)(?=.*?\b{_ROOM})(?=.*?\b{_NARROW})(?=.*?\b(?:{_CARD}|BARs?|passthrough))", _WINDOW, 0.55, "The guest's window for large BARs is said to be too small", "edk2 OvmfPkg/Library/PlatformInitLib/MemDetect.c; people", _SAID,
             unless=r"\bon the host\b.{0,40}\bfirmware\b|dmesg")
      for needle in ("mmio", "aperture", "pci-hole64", "pci hole", "pcimmio64")),
    # Who needs this option has a card for which the window that the firmware picks is too small: it does nothing else.
    Phrase("window-option-needed", "pcimmio64", r"X-PciMmio64Mb\b.{0,60}?\b(?:is|was|are|were) (?:required|needed|necessary)|\b(?:needs?|needed|requires?|required|had to|have to|must)\b.{0,60}?X-PciMmio64Mb", _WINDOW, 0.55, "The guest is said to need a larger window for large BARs", "edk2 OvmfPkg/Library/PlatformInitLib/MemDetect.c; people", _SAID,
           unless=r"\b(?:not?|never|nothing|n't)\b.{0,40}(?:need|requir|necessary|have to|must|X-PciMmio64Mb)"),
    # The window lies above the guest's memory, and both below what its addresses reach.
    *(Phrase("window-and-memory", needle, r"\b(?:more|larger?|bigger|much) (?:guest )?(?:RAM|memory)\b.{0,60}?\b(?:fewer|less|not all|only (?:some|one|two|three|\d)) (?:of the |of )?(?:GPUs?|cards?)\b|\b(?:fewer|less|not all) (?:of the )?(?:GPUs|cards)\b.{0,60}?\b(?:more|larger?|bigger) (?:guest )?(?:RAM|memory)\b", _WINDOW, 0.5, "The more memory the guest has, the fewer of its cards it can use", "edk2 OvmfPkg/Library/PlatformInitLib/MemDetect.c; people", _SAID)
      for needle in ("ram", "memory")),
)

VGPU = (
    *(Phrase("vgpu-drivers-differ", needle, r"^(?=.*?(?:v?GPU|VGX|GRID|mdev))(?=.*?(?:\bguest\b.{0,60}?\b(?:driver|version)s?\b.{0,60}?\b(?:must|has to|have to|should|needs? to|does(?:n't| not)|do(?:n't| not)|not) (?:be )?(?:match|the same|fit)"
             r"|\bdrivers?\b (?:\w+ )?in(?:side)? the (?:guest|VM)\b.{0,80}?\b(?:while|but|and|with|than)\b.{0,60}?\bhost|\bguest drivers?\b.{0,40}?\b(?:newer|older|higher|lower|mismatch\w*|different)\b.{0,40}?\b(?:host|manager)))", _KIND, 0.6, "Guest driver and vGPU manager are said not to fit", _PEOPLE, _SAID)
      for needle in ("guest", "in the vm")),
    *(Phrase("manager-version", needle, r"\bhost ?(?:vGPU |GRID |NVIDIA )?drivers?\b.{0,40}?\b(?P<version>\d{3})\.\d", says="the version of the vGPU manager", by=_PEOPLE) for needle in ("host driver", "hostdriver", "host vgpu driver", "host nvidia driver")),
    *(Phrase("guest-version", needle, r"\bguest ?(?:vGPU |GRID |NVIDIA )?drivers?\b.{0,40}?\b(?P<version>\d{3})\.\d", says="the version of the driver in the guest", by=_PEOPLE) for needle in ("guest driver", "guestdriver", "guest vgpu driver", "guest nvidia driver")),
    Phrase("vgpu-release-old", "supported", r"\bonly (?:be )?supported (?:by|from|in|since|with|on) (?:NVIDIA )?(?:vGPU|GRID|driver)(?: software| release| version)* ?\d", _KIND, 0.6, "The card needs another release of the vGPU software", "NVIDIA vGPU release notes: supported GPUs", _SAID),
    Phrase("vgpu-release-old", "not supported", r"\bnot (?:yet )?supported (?:by|in|with|on) (?:this|that|your|the installed|the used) (?:NVIDIA )?(?:vGPU|GRID)(?: software| manager| release| version| driver)*", _BOARD, 0.62, "The card is said not to be one that this vGPU software serves", "NVIDIA vGPU release notes: supported GPUs", _SAID),
    *(Phrase("vgpu-mixed-said", needle, r"^(?=.*?(?:vGPU|mdev|GRID|nvidia-\d+))(?=.*?(?:not possible|can(?:'t|not)|must|needs? to|have to|has to|only)\b.{0,40}?\b(?:mix(?:ing|ed)?\b|(?:the |of the )?same (?:vGPU )?(?:type|profile|size|frame)))", _FULL, 0.55, "Another vGPU size runs on the card", "NVIDIA vGPU user guide: time-sliced vGPUs of a card; people", _SAID)
      for needle in ("mix", "same type", "same profile", "same size", "same vgpu")),
    # Mediated devices are made in the running kernel: none outlives it, and what makes them anew has to be told.
    *(Phrase("mdev-reboot-said", needle, r"^(?=.*?\b(?:mdevs?|mediated devices?|vGPU (?:device|instance)s?|mdevctl)\b)(?=.*?\b(?:re-?boot|re-?start|power ?cycle)\w*)(?=.*?(?:(?:\bnot|n't|\bno longer|\bnever)\b.{0,20}?\b(?:auto-?start|start(?:ed)? (?:auto\w*|by itself)|persist\w*|come back|exist|there|survive|recreated|restored|be found)\b|\b(?:gone|lost|vanish\w*|disappear\w*)\b))", "mdev-not-present", 0.5, "Mediated devices are said to be gone after a start of the host", "Linux drivers/vfio/mdev; mdevctl(8)", _SAID,
             unless=r"\b(?:guest|VM)s? (?:is |was |were |are )?(?:re-?boot|re-?start)|\b(?:nothing|none|no mdevs?) (?:\w+ )?(?:gone|lost)")
      for needle in ("mdev", "mediated device", "vgpu device", "vgpu instance")),
    *(Phrase("mdev-unused-said", needle, r"^(?=.*?\b(?:NVIDIA|vGPUs?|GRID|L40S?|L4|H100|H200|A\d0|RTX)\b)(?=.*?\b(?:do(?:es)?(?: not|n't)|no longer|not) (?:\w+ )?(?:use|uses|have|has|expose|exposes|offer|offers|provide|provides|create|creates|support|supports) (?:\w+ ){0,2}?(?:mediated devices?|mdevs?)\b)", "mdev-assumed", 0.5, "The driver's vGPUs are said to be no mediated devices", "NVIDIA vGPU user guide: vendor-specific VFIO framework; people", _SAID,
             unless=r"\bGVT\b|\bguest driver")
      for needle in ("mediated device", "mdev")),
    *(Phrase("vgpu-none-said", needle, r"\b(?:has|have|shows?|offers?|with) no (?:vGPU|mdev) (?:types?|profiles?)\b|\bnot supported (?:by|for|with) (?:the )?(?:NVIDIA )?vGPU", _BOARD, 0.55, "The card is said not to be one for vGPUs", "NVIDIA vGPU documentation: supported GPUs; people", _SAID)
      for needle in ("vgpu type", "vgpu profile", "mdev type", "not supported")),
    # A type has no instance left where others fill the card, or where one of another size runs on it.
    *(Phrase("vgpu-none-left-said", needle, r"^(?=.*?(?:\bvGPU|\bmdev|\bGRID\b|\bvGPU profile|\bprofile))(?=.*?\b(?:no|zero|without|runs? out of|ran out of) (?:more |further |other |free |any )*(?:available |free )?(?:instances?|mdevs?|vGPUs?)\b(?: (?:\w+ )?(?:available|left|free|remain\w*))|.*?\bno (?:available|free) (?:instances?|vGPUs?|mdevs?)\b)", _FULL, 0.5, "No vGPU of the type is left on the card: all are used, or another size runs on it", "Linux drivers/vfio/mdev: available_instances; people", _SAID,
             unless=r"\b(?:if|when|until|unless|before|once) (?:there (?:is|are) )?no\b|\bEC2|\bspot\b|\b(?:vGPU|MIG)[- ]?(?:VM|node)s? pool")
      for needle in ("no instance", "no available", "no free", "no more", "out of vgpus", "out of instances", "out of mdevs")),
    *(Phrase("vgpu-memory-said", needle, r"^(?=.*?(?:vGPU|vmiop|mdev|GRID|profile))(?=.*?(?:[Ff]ailed to alloc\w*|[Ee]rror allocating|[Cc]ould not allocate|[Nn]ot enough|[Ii]nsufficient|[Oo]ut of|no) (?:\w+ )?(?:FB\b|frame ?buffer|video memory|VRAM|GPU memory))", _FULL, 0.6, "The card has no memory left for this vGPU", "nvidia-vgpu-mgr, people", _SAID)
      for needle in ("framebuffer", "frame buffer", "fb memory", "video memory", "vram", "gpu memory")),
    *(Phrase("vgpu-unlicensed-said", needle, r"^(?=.*?(?:vGPU|GRID|vWS|vPC))(?=.*?\b(?:not licen[sc]ed|no (?:valid )?licen[sc]e|without (?:a |any )?(?:valid )?licen[sc]e|unlicen[sc]ed|licen[sc]e (?:is |was |has )?(?:missing|expired|not (?:work|acquir|found|valid)\w*)))", "vgpu-licence-missing", 0.6, "The guest is said to have no vGPU licence", "NVIDIA vGPU client licensing user guide: effects of license enforcement", _SAID,
             passed="licensed", unless=r"NVRM|licen[sc]e 'NVIDIA'|taints")
      for needle in ("licens", "licenc")),
    # A vGPU of Q or C without licence is slowed down 20 minutes after the guest's start.
    *(Phrase("vgpu-slows-down", needle, r"^(?=.*?(?:v-?GPU|\b[ALTVP]\d{1,3}[A-Z]?-\d{1,2}[ABCQ]\b|GRID|\bmdev))(?=.*?(?:\b20 min\w*|\bthrottl\w*|\b(?:fps|frames?|performance)\b.{0,30}?\b(?:drops?|dropped|limited|falls?|degrad\w*)\b.{0,40}?\bafter\b))", "vgpu-licence-missing", 0.5, "A vGPU that slows down some time after the guest's start: so one without licence does", "NVIDIA vGPU client licensing user guide: effects of license enforcement", _SAID,
             passed="licensed", unless=r"\bthermal|temperature|power (?:limit|cap)")
      for needle in ("20 min", "throttl", "fps", "performance")),
    *(Phrase("vgpu-not-released", needle, r"\bvGPUs?\b.{0,40}?\bnot (?:\w+ )?(?:released|freed|removed|cleaned)|\bvGPUs?\b.{0,60}?\b(?:drain|exhaust|eat|use)\w* (?:up )?(?:all )?(?:the )?(?:GPU |video )?memory", _FULL, 0.5, "vGPUs of earlier guests keep the card's memory", _PEOPLE, _SAID)
      for needle in ("vgpus", "vgpu ")),
    *(Phrase("mdevctl-empty", needle, r"\b(?:mdevctl types|mdev_supported_types|list of (?:mdev|vGPU) types|MDev Type\w*)\W{0,3}(?:\w+ ){0,4}?(?:nothing|empty|blank|no (?:records?|output|types?|results?|entries)|greyed out)\b", says="no type of mediated device is listed", by=_PEOPLE)
      for needle in ("mdevctl types", "mdev_supported_types", "mdev type", "vgpu types")),
)

HOSTS = (
    *(Phrase("framebuffer-said", needle, rf"(?:video=(?:efifb|vesafb|simplefb)\S*:off|initcall_blacklist=sysfb_init|nofb\b|\befifb\b|\bsimpledrm\b).{{0,80}}?{_CURED}|{_CURED}.{{0,60}}?(?:video=(?:efifb|vesafb|simplefb)\S*:off|initcall_blacklist=sysfb_init|nofb\b)|\b(?:claim|hold|keep|own|grab|occup|us)\w* (?:by )?the (?:EFI|boot|host|VESA|simple)? ?(?:framebuffer|frame buffer)", _FB, 0.62, "The boot framebuffer is said to keep the card", _PEOPLE, _SAID)
      for needle in ("efifb", "vesafb", "simplefb", "simpledrm", "sysfb_init", "framebuffer", "frame buffer", "nofb")),
    *(Phrase("romfile-said", needle, rf"\b(?:romfile|rom file|vbios|rom bar|rombar)\b.{{0,90}}?{_CURED}|{_CURED}.{{0,50}}?\b(?:romfile|rom file|vbios)\b|(?:only|without|unless|until).{{0,30}}\b(?:romfile|rom file|vbios|(?:patched|dumped) rom)\b", _ROM, 0.55, "The guest needs a copy of the video BIOS", _PEOPLE, _SAID,
             unless=r"\b(?:no|without any) (?:\w+ )?(?:romfile|rom|v?bios)\b")
      for needle in ("romfile", "rom file", "vbios", "rombar", "patched rom", "dumped rom")),
    *(Phrase("off-bus-said", needle, r"\b(?:falls?|fell|fall\w+|drops?|dropped|disconnect\w*|vanish\w*|disappear\w*)(?: \w+)? (?:off|from)(?: of)? (?:the )?(?:PCIe? )?bus\b|\bXid(?: error)? 79\b", "gpu-fell-off-bus", 0.55, "The card is said to leave the bus", "NVIDIA Xid 79; people", _SAID, unless=r"fallen off the bus")
      for needle in ("the bus", "pcie bus", "pci bus", "xid")),
    *(Phrase("kvm-said", needle, r"\b(?:missing|no|without|lack of) (?:/dev/)?kvm\b(?: support| device| module)?|/dev/kvm\W{0,2} (?:device |node |file )?(?:does(?:n't| not)|never|is(?:n't| not)|did(?:n't| not)) (?:\w+ ){0,2}?(?:available|there|exist|appear|show|present)", "kvm-unavailable", 0.5, "KVM is said to be missing", _PEOPLE, _SAID, unless=r"no kvm (?:error|problem)")
      for needle in ("/dev/kvm", "missing kvm", "no kvm", "without kvm", "lack of kvm")),
    *(Phrase("driver-unloaded-said", needle, r"\b(?:had to|have to|needed to|need to|only after|until I|must) (?:\w+ ){0,2}?(?:remov|unload|blacklist|disabl|rmmod)\w*\b.{0,90}?\b(?:nouveau|nvidia\w*|amdgpu|radeon|i915|xe|nova_core)\b(?=.{0,300}?\b(?:vfio|passthrough|VM|guest)\b)", "host-driver-grabbed-gpu", 0.5, "A host driver is said to have kept the card", _PEOPLE, _SAID,
             unless=r"\b(?:in(?:side)?|of) the (?:guest|VM)\b")
      for needle in ("had to ", "have to ", "need to ", "needed to ", "until i ")),
    *(Phrase("group-shared-said", needle, rf"^(?=.*?\b{_CARD})(?=.*?(?:\b(?:in|shares?|sharing|has|have) (?:the |an? |one )?same (?:IOMMU )?group\b|\bIOMMU group\b.{{0,25}}?\b(?:shared|connected|together|lumped|combined) with\b))(?=.*?\b(?:USB|SATA|NVMe|ethernet|network|NIC|audio devices|disks?|SSD|bridge|controllers?|other devices|both (?:GPUs|cards))\b)", "acs-missing", 0.5, "The card is said to share its group with devices that are not its own", "Linux drivers/iommu/iommu.c, pci_device_group(); people", _SAID)
      for needle in ("same iommu group", "same group", "iommu group")),
    *(Phrase("virqfd-said", needle, r"^(?=.*?vfio_virqfd)(?=.*?(?:dracut|initramfs|initcpio))(?=.*?(?:stuck|hang\w*|fail\w*|not boot|no boot|error))", "initramfs-not-updated", 0.45, "vfio_virqfd is no module any more (Linux 6.2): a boot image that wants it may not be built", "Linux 6.2: vfio_virqfd is part of vfio; people", _SAID)
      for needle in ("dracut", "initramfs", "initcpio")),
    *(Phrase("sriov-off-said", needle, r"\bSR-?IOV\b.{0,40}?\b(?:not enabled|disabled|turned off|off) in (?:the |my )?(?:\w+ )?(?:BIOS|UEFI|firmware|setup)|(?:n't|not|forgot to|forgotten to) (?:enable|turn on|activate)\w*(?: on)? SR-?IOV in (?:the |my )?(?:BIOS|UEFI|firmware|setup)", "sriov-vfs-not-enabled", 0.6, "SR-IOV is said to be off in the firmware", _PEOPLE, _SAID)
      for needle in ("sriov", "sr-iov")),
    *(Phrase("rom-said", needle, r"\b(?:GPU|VGA|video|option|card)(?:'s)? (?:BIOS )?ROM\b.{0,50}?(?:lock\w* up|hang\w*|freez\w*|stuck|black screen)", _ROM, 0.5, "The card's ROM stops the guest's firmware", _PEOPLE, _SAID)
      for needle in ("gpu rom", "gpu bios rom", "vga rom", "video rom", "option rom", "card rom", "card's rom")),
    # Drivers of GeForce before 465 look for the hypervisor's leaf of CPUID and then give up the card.
    *(Phrase("hypervisor-seen-said", needle, r"\b(?:driver|card|GPU|NVIDIA)\b.{0,60}?\b(?:detect|notic|realis|realiz|recogni|see|know|find)\w*\b.{0,40}?\b(?:(?:runn?\w*|is|it's|being) (?:\w+ )?(?:in(?:side)?|on|under) (?:a |the )?(?:VM|virtual\w*|hypervisor|KVM|guest)|(?:the |a )?(?:hypervisor|virtuali[sz]ation))\b", "error-43", 0.75, "The driver is said to refuse the card since it sees a hypervisor", "NVIDIA GeForce drivers before 465; people", _SAID,
             unless=r"\b(?:does(?:n't| not)|did(?:n't| not)|no longer|not) (?:\w+ )?(?:detect|notice|see|know|find)")
      for needle in ("hypervisor", "virtual", "a vm", "the vm")),
    *(Phrase("hiding-helped-said", needle, r"^(?=.*?(?:\bvendor_?id\b|\bhidden state\b|\bkvm=off\b|\bkvm\W{1,4}hidden\b))(?=.*?(?:\bgot (?:it|the (?:card|GPU)) (?:to work|working|running)\b|\b(?:fixed|solved|cured|resolved|helped)\b|\bdid the trick\b|\bworks? (?:now|only|after|once|since|with)\b))", "error-43", 0.5, "Hiding the hypervisor is said to have helped: a driver refuses the card where it sees one", "NVIDIA GeForce drivers before 465; AMD's for Windows; people", _SAID,
             unless=r"\b(?:not|no longer|never|n't) (?:\w+ )?(?:need|help|necessary|required)")
      for needle in ("vendor_id", "vendorid", "hidden", "kvm=off")),
    # The ROM of a boot card is read from its shadow in memory, which its start has changed: pci_map_rom().
    *(Phrase("rom-patched-said", needle, rf"^(?=.*?\b(?:v?bios|rom)\b)(?=.*?\b(?:{_TROUBLE}|got it working|login screen)\b)(?=.*?(?:\b(?:un)?patched\b|/sys/bus/pci/devices/\S+/rom\b|\bre-?dump\w*\b|\b(?:mv|moved) (?:it|the (?:rom|vbios)) to\b))", _ROM, 0.45, "The copy of the card's video BIOS is in question: one read from a running boot card is changed, and QEMU has to be let to read the file", "Linux drivers/pci/rom.c, libvirt's AppArmor and SELinux policies; people", _SAID,
             unless=r"kernel patch|patched (?:kernel|driver)")
      for needle in ("patched", "/rom", "dump", "vbios")),
    # vfio pins all memory of a guest: what is overcommitted or taken back by a balloon cannot be pinned.
    *(Phrase("overcommit-said", needle, rf"^(?=.*?\b{_CARD})(?=.*?\b(?:memory ?)?over-?commit\w*|.*?\bballoon\w*)(?=.*?\b(?:crash\w*|kill\w*|OOM|out of memory|{_NOT} (?:start|boot|work|run)\w*)\b)", _MEMORY, 0.5, "With a device all of a guest's memory is pinned: it cannot be overcommitted or taken back", "Linux drivers/vfio/vfio_iommu_type1.c; people", _SAID,
             unless=r"\bballooning (?:is |was )?(?:off|disabled)")
      for needle in ("overcommit", "over-commit", "balloon")),
    *(Phrase("csm-said", needle, rf"\b(?:because|culprit|cause\w*|due to|fixed|solved|cured|disabl\w+|turn\w* off)\b[^.]{{0,80}}?\b(?:CSM|Compatibility Support Module)\b(?=.{{0,120}}?(?:\blegacy\b|{_CURED}|\benabled\b))", _FB, 0.45, "A host that starts by way of the CSM sets the card up as VGA, and its framebuffer keeps it", "Linux drivers/firmware/sysfb.c; people", _SAID,
             unless=r"above.?4|\bBAR\b|Re-?Size")
      for needle in ("csm", "compatibility support")),
    *(Phrase("audio-unbound-said", needle, r"\b(?:audio|sound|HDMI|USB-?C|UCSI)\b (?:(?:controller|function|device|part|card) )?(?:\w+ ){0,6}?(?:not|isn't|never|refuses?|won't|doesn't|don't|fails?)\b.{0,30}?\b(?:vfio|bind\w*|bound)\b", "companion-function-not-bound", 0.6, "A companion of the card is said not to be bound to vfio-pci", _PEOPLE, _SAID)
      for needle in ("audio", "sound", "usb", "ucsi")),
    *(Phrase("device-manager-mark", needle, rf"^(?=.*?\b{_CARD})(?=.*?(?:exclamation|yellow (?:triangle|mark|bang|sign)))", "error-43", 0.45, "Windows marks the card's driver as stopped: in a guest most often code 43", "Windows device manager; people", _SAID, unless=r"code (?:10|12|28|31|45)\b")
      for needle in ("exclamation", "yellow")),
    *(Phrase("module-refused-said", needle, r"\b(?:modules?|drivers?)\b[^.!?]{0,30}?\b(?:is|are|was|were|gets?|being) (?:all )?(?:rejected|refused)\b", "secure-boot", 0.55, "The kernel is said to refuse modules that nobody trusted has signed", "Linux kernel/module/signing.c; people", _SAID, unless=r"\b(?:no|none of the) (?:modules?|drivers?)\b|\bparameter")
      for needle in ("rejected", "refused")),
    # What is open counts as use of the driver: a card is taken from it only when the last one closes it.
    *(Phrase("open-nodes-said", needle, r"^(?=.*?\b(?:unbind|vfio|passthrough|detach|unload|rmmod)\w*)(?=.*?\b(?:holds?|holding|held|keeps?|keeping|kept|maintains?|maintaining|leaves?)\b(?: \w+){0,3}? (?:open |persistent )*(?:file descriptors?|handles?|FDs?|open)\b.{0,60}?(?:/dev/(?:nvidia|dri)|\bdevice nodes?\b|\b(?:GPU|card)s?\b))", "gpu-in-use", 0.6, "A program is said to hold the card's nodes open", "Linux drivers/base/dd.c: device_release_driver(); NVIDIA kernel-open/nvidia/nv-pci.c; people", _SAID,
             unless=r"\b(?:nothing|nobody|no (?:process|program)\w*|none) (?:holds?|keeps?)\b(?!.{0,400}\bblock)")
      for needle in ("file descriptor", "handle", "fds", "/dev/nvidia", "/dev/dri", "device node")),
    *(Phrase("holder-said", needle, r"^(?=.*?\b(?:vfio|passthrough|VM|guest|unbind|driver switch|[Pp]repare\w*)\b)(?=.*?\b(?:process|program|daemon|service|exporter|container|pod)(?:es|s)? (?:\w+ ){0,3}?(?:holds?|holding|blocks?|blocking|uses?|using|occup\w+) (?:the |a |this |that |your )?(?:GPUs?|cards?)\b)", "gpu-in-use", 0.45, "A program of the host is said to hold the card", _PEOPLE, _SAID, unless=r"\bno (?:process|program|daemon|service)\w* (?:\w+ ){0,3}?(?:holds?|uses?|is)")
      for needle in ("process", "program", "daemon", "service", "exporter")),
    *(Phrase("image-unmade-said", needle, r"^(?=.*?\b(?:GPUs?|cards?|vfio\S*|passthrough|isolat\w+)\b)(?=.*?(?:\b(?:fail\w*|forgot|forgotten|did(?:n't| not)|never|missed|without|not)\b (?:to )?(?:\w+ ){0,3}?(?:appl|rebuil|regenerat|updat|writ|includ|mak|build)\w*\b.{0,30}?\b(?:initramfs|initrd|initcpio|dracut|boot image)\b|\b(?:initramfs|initrd|boot image)\b (?:was |is |had )?(?:never|not) (?:been )?(?:rebuilt|updated|regenerated|written|made)))", "initramfs-not-updated", 0.5, "The boot image is said not to have what was configured", "initramfs-tools(7), dracut(8); people", _SAID)
      for needle in ("initramfs", "initrd", "initcpio", "dracut", "boot image")),
    Phrase("remapping-said", "interrupt remapping", r"\binterrupt remapping\b (?:isn't|wasn't|is not|was not|not|isn't being) (?:\w+ )?(?:enabled|supported|available|active|built in|turned on|compiled)|\b(?:no|without|lacks?|lacking|missing) interrupt remapping\b", "interrupt-remapping-missing", 0.55, "The host is said to run without interrupt remapping", "Linux drivers/vfio/vfio_iommu_type1.c; people", _SAID, unless=r"No interrupt remapping (?:support|hardware|for)|allow_unsafe_interrupts (?:is )?not needed"),
    *(Phrase("msi-needed-said", needle, r"\b(?:need\w*|had to|have to|must|required|necessary|only)\b.{0,40}?\bMSI(?:[ -]?(?:interrupt|mode|util)\w*|Supported)|\bMSI[ -]?(?:interrupt|mode|util)\w*\b.{0,60}?\b(?:needed|necessary|required|fixed|solved|cured|helped|did the trick)\b", "msi-not-enabled", 0.5, "The guest is said to need message interrupts for its card", "Windows drivers: MSISupported; people", _SAID,
             unless=r"\bMSI[ -]?(?:interrupt|mode|util)\w*\b.{0,40}?\b(?:not|n't|never) (?:need|help|fix|solve|necessary|required)\w*|(?:not|n't) need")
      for needle in ("msi mode", "msi interrupt", "msiinterrupt", "msi util", "msi-", "msisupported", "msi_")),
    *(Phrase("uefi-helped-said", needle, rf"\b(?:switch|chang|mov|convert|go|going|reinstall)\w* (?:\w+ ){{0,4}}?(?:to|with|as) (?:UEFI|OVMF|EFI)\b.{{0,80}}?{_CURED}|{_CURED}.{{0,50}}?\b(?:switch|chang|mov|convert|reinstall)\w* (?:\w+ ){{0,4}}?(?:to|with|as) (?:UEFI|OVMF|EFI)\b", "uefi-needed-by-guest", 0.55, "The card is said to work only since its guest starts as UEFI", _PEOPLE, _SAID, unless=r"secure ?boot|\bBIOS update|\bhost\b.{0,30}\b(?:to|as) UEFI")
      for needle in ("uefi", "ovmf", "efi ")),
    # vfio-pci.ids knows models, not cards; driver_override and drivers of boot images know addresses.
    *(Phrase("equal-cards-said", needle, rf"^(?=.*?\b(?:vfio|passthrough|pass(?:ed|ing)? through|isolat\w+)\b)(?=.*?\b(?:identical|exact(?:ly)? (?:the )?same|(?:with|have|has|share|of) (?:\w+ ){{0,3}}?the same (?:PCI |device |hardware |vendor )*ids?)\b)(?=.*?(?:\b(?:two|2|both|three|3|four|4)\b.{{0,60}}?\b(?:GPUs?|graphics cards?|cards|{_CARD})|\bidentical GPUs?))", "vfio-ids-wrong", 0.4, "Cards of one model have the same id: vfio-pci.ids takes all of them, an address takes one", "Linux drivers/vfio/pci/vfio_pci.c: vfio_pci_fill_ids(); people", _SAID,
             unless=r"subsystem ids?|\bdriver_override\b")
      for needle in ("identical", "exact same", "exactly the same", "same id", "same pci id", "same device id", "same vendor", "same hardware id")),
    *(Phrase("less-memory-said", needle, r"(?:decreas|reduc|lower)\w* (?:\w+(?:'s)? ){0,4}(?:memory|RAM)\b.{0,100}?\b(?:starts?|boots?|works?|running)\b|\b(?:less|smaller|little) (?:memory|RAM)\b.{0,50}?\b(?:starts?|boots?|works?)\b|\b(?:starts?|boots?|works?)\b.{0,40}?\bwith (?:less|smaller) (?:memory|RAM)", _MEMORY, 0.5, "The guest starts with less memory: with a device all of its memory is claimed at once", "Linux vfio: pinned pages; people", _SAID)
      for needle in ("decreas", "reduc", "lower", "less memory", "less ram", "smaller")),
)

NOVA = (
    *(Phrase("vgpu-suspend-said", needle, r"\b(?:suspend|pause|resum)\w*\b.{0,60}?\b(?:v-?GPUs?|mdevs?|mediated devices?)\b.{0,60}?(?:n't|not|fail\w*|error|unsupported)", "vgpu-request-unsupported", 0.55, "nova does not suspend an instance with a vGPU: libvirt cannot take one out of a running guest", "nova docs: virtual-gpu, caveats", _SAID)
      for needle in ("suspend", "resum")),
    Phrase("numa-said", "numa", r"^(?=.*?\b(?:PCI|GPUs?|cards?|SR-?IOV|devices?)\b)(?=.*?\bNUMA (?:nodes?|affinity|cells?)\b.{0,300}?(?:\b(?:cannot|can't|not able|unable|No valid host)\b|\b(?:fails?|failed) to (?:schedule|boot|start|launch|claim)))", "numa-policy-no-host", 0.5, "A device and its guest's processors are to be of one NUMA node", "nova/virt/hardware.py, nova/pci/stats.py: the policy legacy", _SAID),
    *(Phrase("numa-policy-said", needle, r"\bnuma_(?:affinity_)?policy\b.{0,400}?\b(?:claim\w*|schedul\w*|boot\w*)\b.{0,30}?\bfail", "numa-policy-no-host", 0.6, "A NUMA policy of the request or the alias cannot be met", "nova/pci/stats.py, nova bug 1805891", _SAID)
      for needle in ("numa_policy", "numa_affinity_policy")),
    Phrase("resize-requests-said", "resiz", r"^(?=.*?\bresiz\w*)(?=.*?\b(?:pci_requests?|PCI requests?|(?:PCI )?alias(?:es)?|PCI devices?)\b)(?=.*?\bold\b.{0,40}?\b(?:flavor|host|pci_requests?|requests?|alias|devices?)\b)", "stale-pci-devices-row", 0.5, "A resize is said to go by the devices of the old flavor or host", "nova bug 1983753: the request kept of the old flavor", _SAID),
    Phrase("rows-archived", "archive_deleted_rows", r"archive_deleted_rows.{0,1200}?\b(?:pci_devices|PCI device)", "stale-pci-devices-row", 0.7, "Old releases of nova archive rows of devices along with deleted instances", "nova bug 1899541: nova/db/main/api.py", _SAID),
)

_CHANGED = (r"(?:re-?seat\w*|swapp\w+|replac\w+|updat\w+|upgrad\w+|downgrad\w+|add\w*|remov\w+|chang\w+|enabl\w+|disabl\w+|sett?\w*|switch\w+|install\w*|rebuil\w+|mov\w+|plug\w+|bind\w*|flash\w*"
            r"|clean\w*|unplugg\w+|load\w*|turn\w*|that|this|which|doing so|power.?cycl\w+)")
TOLD = (
    # Not what may, should or did not cure.
    *(Phrase("cured", needle, rf"(?:\b{_CHANGED}\b[^.!?]{{0,70}}?(?<!not )(?<!n't )\b(?:fixed|solved|cured|resolved) (?:it|this|that|the|my|our|everything)\b"
             r"|(?<!\bnot )(?<!\bbe )(?<!n't )(?<!\bget )\b(?:fixed|solved|cured|resolved)(?: (?:it|this|that))? (?:by|after|with|when|since|in)\b"
             r"|\b(?:problem|issue|error|fault)s? (?:is |was |has been |are |got )?(?:now )?(?:fixed|solved|resolved|gone)\b|^\W*\[?solved\]?\b"
             r"|\b(?:no longer|never again|not any ?more) (?:happen|occur|appear|come|show)\w*|(?<!not )\b(?:it|everything|passthrough|GPU|card|VM) (?:all )?works? (?:fine |perfectly |flawlessly |well |great )?(?:now|again|since)\b"
             r"|\b(?:errors?|messages?|problem|Xids?) (?:is|are|was|were|has|have|did)(?: been)? (?:gone|not (?:come|re)\w*|never come back)\b)(?P<rest>.*)", says="the report says what cured it", by=_PEOPLE,
             unless=r"\b(?:any|a|has anyone|how (?:can|do)|looking for).{0,20}(?:fix|solution)\b|not (?:yet )?(?:fixed|solved|resolved)")
      for needle in ("fixed", "solved", "cured", "no longer", "never again", "any more", "anymore", "works", " gone", "come back")),
    *(Phrase("troubles-listed", needle, r"^\W*(?:common|typical|known|frequent|possible) (?:problems|issues|pitfalls|errors|mistakes)\b|^\W*(?:troubleshooting|FAQ)\W*$", says="troubles are listed that people can have", by=_PEOPLE)
      for needle in ("common ", "typical ", "known ", "frequent ", "possible ", "troubleshooting", "faq")),
)

SAID = (
    # nova compares the alias's device_type with dev_type of its rows (nova/pci/stats.py, _filter_pools_for_spec).
    *(Phrase("alias-type-said", needle, r"\bdev_type\W{1,5}(?:is |of |as )?type-(?P<row>PF|VF|PCI)\b.{0,200}?\bdevice_type\W{1,8}(?:is |of )?type-(?!(?P=row)\b)(?:PF|VF|PCI)\b|\bdevice_type\W{1,8}(?:is |of )?type-(?P<alias>PF|VF|PCI)\b.{0,200}?\bdev_type\W{1,5}(?:is |of |as )?type-(?!(?P=alias)\b)(?:PF|VF|PCI)\b",
             "alias-device-type-mismatch", 0.75, "The alias asks for another device_type than nova's row of the device has", "nova/pci/stats.py: _filter_pools_for_spec()", _SAID)
      for needle in ("dev_type", "device_type")),
    # sriov_numvfs starts with 0: nothing outlives a start (drivers/pci/iov.c).
    Phrase("vfs-gone-said", "sriov_numvfs", r"^(?=.*?\b(?:no|lost|gone|miss\w*|vanish\w*|without|lacks?)\b.{0,40}?\b(?:VFs?|virtual functions?)\b|.*?\b(?:VFs?|virtual functions?)\b.{0,30}?\b(?:gone|lost|missing|not there))(?=.*?\bsriov_numvfs\b(?:\W+\w+){0,3}?\W+0\b)",
           "sriov-vfs-not-enabled", 0.65, "The virtual functions are not made: sriov_numvfs is 0", "Linux drivers/pci/iov.c", _SAID),
    *(Phrase("vgpu-none-left-said", needle, r"^(?=.*?(?:\bv?GPU|\bmdev|\bGRID\b|\bprofile|-\d{1,2}[ABCQ]\b))(?=.*?\b(?:zero|0) available instances?\b)", _FULL, 0.5, "No vGPU of the type is left on the card: all are used, or another size runs on it", "Linux drivers/vfio/mdev: available_instances", _SAID)
      for needle in ("zero available", "0 available")),
    *(Phrase("one-id-two-cards-said", needle, r"^(?=.*?\b(?:two|2|both|identical|same (?:model|card)s?)\b)(?=.*?\bvfio-pci\S{0,3} ?ids\b|.*?\bids=[0-9a-f]{4}:)(?=.*?\bboth (?:are|were|get|got|cards? (?:are|were|get|got)|GPUs? (?:are|were|get|got))\b.{0,30}?\b(?:taken|grabbed|bound|claimed|captured|with vfio|on vfio))",
             "vfio-ids-wrong", 0.65, "One id takes both of two equal cards", "Linux drivers/vfio/pci/vfio_pci.c: ids", _SAID)
      for needle in ("both are", "both were", "both get", "both got", "both cards", "both gpu")),
    # The .run for guests and hosts without vGPU has no manager: NVIDIA vGPU user guide, Installing the vGPU Manager.
    *(Phrase("plain-driver-said", needle, r"^(?=.*?\bvGPUs?\b)(?=.*?\b(?:installed|runs?|running|have|has|using|use)\b.{0,40}?\b(?:normal|regular|plain|standard|ordinary|data ?cent(?:er|re)|GeForce|CUDA)\b.{0,40}?\bdriver)(?=.*?\b(?:host|hypervisor|node|compute)\b)(?=.*?(?:mdev_supported_types|\bmdev|\bno (?:vGPU )?types?\b|nothing))",
             "vgpu-manager-not-loaded", 0.85, "The host has the driver without the vGPU manager", "NVIDIA vGPU user guide: installing the vGPU manager", Level.WARNING)
      for needle in ("normal", "regular", "plain", "standard", "data cent", "datacent", "cuda repo", "geforce driver")),
    *(Phrase("sound-bound-said", needle, r"^(?=.*?\b(?:HDMI|audio|sound)\b)(?=.*?(?:\bfunction \.?1\b|[0-9a-f]{2}\.1\b|\b\.1\b|\bsame card))(?=.*?\bsnd_hda_intel\b)(?=.*?\bvfio-pci\b)(?=.*?\bgroup\b)",
             "companion-function-not-bound", 0.65, "The card's own sound is with its host driver", "Linux drivers/vfio/vfio_main.c: group viability", _SAID, unless=r"\bonboard\b|\bno longer\b")
      for needle in ("snd_hda_intel",)),
    *(Phrase("group-of-chipset-said", needle, r"\b(?:in|is|are|has|have|shares?|of)\b.{0,30}?\b(?:one|same|a single|its) (?:IOMMU )?group\b.{0,30}?\b(?:together )?with\b.{0,40}?\b(?:network|NIC|SATA|NVMe|USB|disk|chipset|ethernet)",
             "acs-missing", 0.6, "The card shares its IOMMU group with devices of the host", "Linux drivers/iommu/iommu.c: pci_device_group()", _SAID, unless=r"\bnot\b.{0,20}group|\balone\b.{0,20}\bnow\b")
      for needle in ("group together with", "group with", "group along with")),
    Phrase("kernel-source-said", "kernel source tree", r"\b(?:can(?:'t|not)|could(?:n't| not)|unable to|fail\w* to)\b.{0,20}?\b(?:find|locate)\b.{0,20}?\bkernel source tree", "guest-driver-not-loaded", 0.75, "The headers of the running kernel are absent: the driver cannot be built", "nvidia-installer", _SAID),
    *(Phrase("licence-server-said", needle, r"\b(?:DLS|CLS|licen[sc]e server|licen[sc]ing (?:server|appliance))\b.{0,120}?(?:(?:\bnot|n't)\b.{0,15}?\breach|\bunreachable|\btime[sd]? ?out|\brefused)",
             "vgpu-licence-missing", 0.7, "The licence server is said not to be reached", "NVIDIA vGPU client licensing user guide", _SAID)
      for needle in ("dls", "cls", "license server", "licence server", "licensing ")),
    *(Phrase("line-interrupt-said", needle, r"\bline[- ]based (?:interrupt|IRQ)s?\b", "msi-not-enabled", 0.55, "The device has line-based interrupts in the guest", "Microsoft: Enabling Message-Signaled Interrupts in the Registry", _SAID)
      for needle in ("line-based", "line based")),
)

_DARK = r"(?:no (?:picture|display|output|signal|video|image)|nothing on (?:the )?(?:screen|monitor)|black ?screen|(?:screen|monitor) (?:is |stays |remains )?(?:black|dark|blank)|blank(?: screen)?)"
_ANOTHER = r"(?:second|2nd|other|another|spare|cheap|old(?:er)?|integrated|on-?board|iGPU|i?GPU of the (?:processor|CPU))"
COMPARED = (
    # pci_map_rom() gives of the boot display the copy that the firmware has run, and QEMU takes the card's ROM from it.
    *(Phrase("boot-card-dark-said", needle, rf"^(?=.*?\b{_CARD})(?=.*?\b{_GUEST}\b)(?=.*?\b{_DARK}\b)(?=.*?\b(?:with|when|if|once|as soon as|after|using|having)\b[^.!?]{{0,40}}?\b{_ANOTHER}\b[^.!?]{{0,40}}?\b(?:primary|boot (?:display|card|GPU|VGA|device)|first (?:display|card|GPU|output))\b[^.!?]{{0,90}}?\b(?:works?|fine|picture|comes up)\b)",
             _ROM, 0.5, "The card shows a picture in the guest only where another one is the host's boot display", "Linux drivers/pci/rom.c, pci_map_rom(); QEMU hw/vfio/pci.c, vfio_pci_size_rom(); people", _SAID, unless=r"\b(?:not|n't|never|neither)\b[^.!?]{0,20}\bworks?\b[^.!?]{0,20}\beither")
      for needle in ("primary", "boot display", "boot card", "boot gpu", "boot vga", "boot device", "first display", "first card", "first gpu", "first output")),
    # OVMF sets the window by the guest's address width and memory; what the host has placed says nothing of it.
    *(Phrase("guest-no-room-said", needle, rf"\b(?:{_GUEST}|OVMF|Linux in (?:it|there))\b[^.!?;]{{0,90}}?\b(?:says?|said|has|have|had|sees?|finds?|found|gets?|got|reports?|complains?|logs?|runs?|ran|tells?)\b[^.!?;]{{0,40}}?\b(?:no|not enough|too little|insufficient|out of) (?:\w+ )?(?:room|space)\b[^.!?;]{{0,40}}?\bBARs?\b|\bBARs?\b[^.!?;]{{0,60}}?\b(?:find|have|get|has|gets|finds) no (?:room|space|place)\b[^.!?;]{{0,30}}?\bin (?:the |my |a )?{_GUEST}",
             _WINDOW, 0.55, "The guest is said to have no room for the cards' BARs", "edk2 OvmfPkg/Library/PlatformInitLib/MemDetect.c; people", _SAID, unless=r"\b(?:host|hypervisor)(?:'s)? (?:\w+ )?(?:says?|said|has|had|reports?|finds?|kernel says)\b[^.!?]{0,40}?\b(?:no|not enough|too little|insufficient) (?:\w+ )?(?:room|space)")
      for needle in ("room", "space", "no place")),
)

RECORDS = (
    # PciPassthroughFilter is in no release's default list (nova/conf/scheduler.py): a list without it lets any host pass.
    *(Phrase("filters-listed-said", needle, r"^(?=.*?\b(?:alias|device_spec|passthrough_whitelist|PCI|v?GPUs?)\b)(?=.*?\b(?:enabled|default|scheduler)_filters\b(?!\W{0,3}=)[^=]{0,160}?\b[A-Z]\w+Filter\b(?:\W{1,6}[A-Z]\w+Filter\b)+)", "filter-not-enabled", 0.65, "The list of filters is said to be one without PciPassthroughFilter", "nova docs: admin/pci-passthrough; nova/conf/scheduler.py", _SAID, unless=r"Pci-?Passthrough-?Filter")
      for needle in ("enabled_filters", "default_filters")),
    Phrase("filter-absent-said", "pcipassthroughfilter", r"\b(?:no|without|lack(?:s|ed|ing)?|miss(?:es|ed|ing)|forgot(?:ten)?|n't (?:have|list|add|enable)|not (?:have|list|add|enable))\b(?: \w+){0,3}? PciPassthroughFilter\b|\bPciPassthroughFilter\b[^.!?]{0,20}?\b(?:is|was) (?:missing|absent|not (?:in|among|enabled|listed|there|set|on)|nowhere|left out)|\bPciPassthroughFilter (?:isn't|wasn't) (?:in|among|enabled|listed|there|set|on)\b", "filter-not-enabled", 0.7, "PciPassthroughFilter is said not to be among the filters", "nova docs: admin/pci-passthrough; nova/conf/scheduler.py", _SAID, unless=r"returned 0 hosts|\b(?:now|since)\b[^.!?]{0,20}\b(?:added|enabled)"),
    # A device that is gone keeps its row while it counts as allocated: nova/pci/manager.py, _set_hvdevs().
    *(Phrase("row-kept-said", needle, r"^(?=.*?\b(?:pci_devices|nova)\b)(?=.*?\b(?:allocated|claimed|assigned|belongs)\b (?:to|by|for) (?:an? |the |some )?(?:\w+ )?(?:instance|server|VM|guest)s?\b[^.!?]{0,30}?\b(?:deleted|gone|destroyed|does(?:n't| not) exist|no longer exists?|never existed)|.*?\b(?:allocated|claimed|assigned|belongs)\b (?:to|by|for) (?:an? |the |some )?(?:long )?(?:deleted|destroyed|gone) (?:instance|server|VM|guest))(?=.*?\b(?:PCI|pci_devices|GPUs?|cards?|device)\b)", "stale-pci-devices-row", 0.65, "nova's record gives a device to an instance that is deleted", "nova/pci/manager.py: _set_hvdevs() keeps what is in use", _SAID)
      for needle in ("allocated", "claimed", "assigned", "belongs")),
    *(Phrase("row-of-old-slot-said", needle, r"\b(?:swapp|replac|mov|exchang|pull|remov|re-?seat)\w*\b[^.!?]{0,60}?\b(?:GPUs?|cards?|slot|[AHLTPV]\d{1,3}0?\w?)\b.{0,60}?\bnova\b[^.!?]{0,30}?\b(?:still|keeps?)\b[^.!?]{0,30}?\b(?:old|previous|former) (?:PCI )?(?:address|slot|card|device|one|row)", "stale-pci-devices-row", 0.6, "nova is said to keep a card at the address where it was", "nova/pci/manager.py: _set_hvdevs() keeps what is in use", _SAID)
      for needle in ("swapp", "replac", "mov", "exchang", "pull", "seat")),
)

PHRASES = (*RESET, *FIRMWARE, *WINDOW, *VGPU, *HOSTS, *NOVA, *TOLD, *SAID, *COMPARED, *RECORDS)
