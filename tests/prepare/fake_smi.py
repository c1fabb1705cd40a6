"""NVIDIA's program where there is no card: it acts on files, and speaks as the outputs in tests/slices/smi.

One A100 of 40 GB. Where it refuses it does so as NVIDIA's Multi-Instance GPU User Guide and people's listings
have it; ``test_fake_smi.py`` holds its words against them. As a program: ``fake_smi.py ROOT ADDRESS WORDS``.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

SIGNS = "+-----------------------------------------------------------------------------+"
NONE = 6
"""What it ends with where nothing is found (nvidia-smi(1), "Return value")."""


class Kind(NamedTuple):
    """A row of ``-lgip`` and of ``-lgipp``."""

    id: int
    name: str
    total: int
    gib: str
    units: tuple[int, ...]
    """SM, DEC, ENC, CE, JPEG, OFA."""
    starts: tuple[int, ...]
    size: int
    first_id: tuple[int, ...]
    """Number that the driver gives an instance at each start."""
    whole: int
    """Compute profile that has all of it."""


SEVEN = tuple(range(7))
KINDS = (
    Kind(19, "1g.5gb", 7, "4.75", (14, 0, 0, 1, 0, 0), SEVEN, 1, (7, 8, 9, 10, 11, 12, 13), 0),
    Kind(20, "1g.5gb+me", 1, "4.75", (14, 1, 0, 1, 1, 1), SEVEN, 1, (7, 8, 9, 10, 11, 12, 13), 0),
    Kind(14, "2g.10gb", 3, "9.62", (28, 1, 0, 2, 0, 0), (0, 2, 4), 2, (3, 4, 5), 1),
    Kind(9, "3g.20gb", 2, "19.50", (42, 2, 0, 3, 0, 0), (0, 4), 4, (2, 1), 2),
    Kind(5, "4g.20gb", 1, "19.50", (56, 2, 0, 4, 0, 0), (0,), 4, (1,), 3),
    Kind(0, "7g.40gb", 1, "39.25", (98, 5, 0, 7, 1, 1), (0,), 8, (0,), 4),
)
BY_ID = {kind.id: kind for kind in KINDS}
SLICES = (1, 2, 3, 4, 7)
"""Compute slices of each compute profile."""
Made = dict[str, list[int]]
"""Profile and compute profiles of an instance, by ``start``; its number is the first of the list."""


class RefusedError(Exception):
    """It ends with a number other than 0, and has said why."""

    def __init__(self, code: int, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.code = code


@dataclass
class FakeSmi:
    """Answers for one card; what it remembers is below ``root``."""

    root: Path
    address: str
    held: bool = False
    """Somebody has the card open: its mode waits."""
    busy: frozenset[int] = frozenset()
    """Memory slices at which instances are in use."""
    shift: int = 0
    """The driver numbers instances that much higher."""
    refuses_mixed: bool = False
    """Its scheduler is one of fixed shares, which takes one size alone."""
    torn: bool = False
    """The next ``-cgi -C`` ends between the two."""

    def ask(self, argv: Sequence[str]) -> str:
        """As ``system.ask_program`` gives its output, and its errors."""
        try:
            return self.answer(argv[1:])
        except RefusedError as refused:
            said = str(refused).splitlines()[-1]
            raise OSError(f"'{' '.join(argv)}' ended with {refused.code}: {said}") from refused

    def answer(self, words: Sequence[str]) -> str:
        """What it prints."""
        rest = list(words)
        if "-i" in rest:
            at = rest.index("-i")
            assert rest[at + 1] == self.address
            del rest[at : at + 2]
        match rest:
            case ["-q", "-x"]:
                return self._log()
            case ["--query-gpu=mig.mode.current,mig.mode.pending", "--format=csv,noheader"]:
                return f"{self.mode}, {self.pending}\n"
            case ["-mig", ("0" | "1") as wanted]:
                return self._set(["Disabled", "Enabled"][int(wanted)])
            case ["vgpu", "-shm", ("0" | "1") as wanted] if self.mixed is not None:
                return self._mix(["Disabled", "Enabled"][int(wanted)])
            case ["mig", *of]:
                return self._mig(of)
            case _:
                raise RefusedError(2, f"Invalid combination of input arguments: {words}")

    @property
    def mode(self) -> str:
        return (self.root / "mig").read_text().strip()

    @property
    def mixed(self) -> str | None:
        """Whether vGPUs of several sizes are taken; None: the card is none that can."""
        file = self.root / "mixed"
        return file.read_text().strip() if file.exists() else None

    @property
    def pending(self) -> str:
        waiting = self.root / "mig-pending"
        return waiting.read_text().strip() if waiting.exists() else self.mode

    @property
    def made(self) -> Made:
        file = self.root / "mig-instances"
        return json.loads(file.read_text()) if file.exists() else {}

    def keep(self, made: Made) -> None:
        """Remember the instances; no file where there are none."""
        file = self.root / "mig-instances"
        if made:
            file.write_text(json.dumps(dict(sorted(made.items()))))
        else:
            file.unlink(missing_ok=True)
        self._show(made)

    def wipe(self) -> None:
        """The driver has let the card go, or the card was reset."""
        self.keep({})
        if self.mixed is not None:
            (self.root / "mixed").write_text("Disabled\n")

    def restart(self, mode: str = "Enabled") -> None:
        """The host has started: instances are gone, and of some models the mode."""
        self.wipe()
        (self.root / "mig").write_text(f"{mode}\n")

    def _show(self, made: Made) -> None:
        """What the driver shows in /proc: minors as in /proc/driver/nvidia-caps/mig-minors."""
        minor = int(self.address[5:7], 16)  # as the fake kernel numbers cards
        top = self.root / f"proc/driver/nvidia/capabilities/gpu{minor}/mig"
        shutil.rmtree(self.root / "proc/driver/nvidia/capabilities", ignore_errors=True)
        for id_, _, *compute in made.values():
            numbers = {f"gi{id_}": 3 + 9 * id_} | {
                f"gi{id_}/ci{n}": 4 + 9 * id_ + n for n in range(len(compute))
            }
            for name, number in numbers.items():
                (top / name).mkdir(parents=True, exist_ok=True)
                text = f"DeviceFileMinor: {number}\nDeviceFileMode: 256\nDeviceFileModify: 1\n"
                (top / name / "access").write_text(text)

    def _log(self) -> str:
        devices = "".join(
            f"<mig_device><gpu_instance_id>{id_}</gpu_instance_id>"
            f"<compute_instance_id>{n}</compute_instance_id></mig_device>"
            for id_, _, *compute in self.made.values()
            for n in range(len(compute))
        )
        return (
            '<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">\n'
            f'<nvidia_smi_log><attached_gpus>1</attached_gpus><gpu id="0000{self.address.upper()}">'
            f"<mig_mode><current_mig>{self.mode}</current_mig><pending_mig>{self.pending}</pending_mig>"
            f"</mig_mode><mig_devices>{devices or 'None'}</mig_devices><gpu_virtualization_mode>"
            f"<vgpu_heterogeneous_mode>{self.mixed or 'N/A'}</vgpu_heterogeneous_mode>"
            "</gpu_virtualization_mode></gpu></nvidia_smi_log>\n"
        )

    def _set(self, wanted: str) -> str:
        name, verb = f"0000{self.address.upper()}", wanted.removesuffix("d").lower()
        if wanted != self.mode and (self.made or self._has_vfs()):
            raise RefusedError(19, f"Unable to {verb} MIG Mode for GPU {name}: In use by another client")
        (self.root / "mig-pending").unlink(missing_ok=True)
        if self.held and wanted != self.mode:
            (self.root / "mig-pending").write_text(f"{wanted}\n")
            return (
                f"Warning: MIG mode is in pending {verb} state for GPU {name}:In use by another client\n"
                f"{name} is currently being used by one or more other processes (e.g. CUDA application or a "
                "monitoring application such as another instance of nvidia-smi). Please first kill all "
                "processes using the device and retry the command or reboot the system to make MIG mode "
                "effective.\nAll done.\n"
            )
        (self.root / "mig").write_text(f"{wanted}\n")
        return f"{wanted} MIG Mode for GPU {name}\nAll done.\n"

    def _mix(self, wanted: str) -> str:
        """It is set before any vGPU is made: user guide, "Putting a GPU Into Mixed-Size Mode"."""
        types = (self.root / "sys/bus/pci/devices").glob("*/nvidia/current_vgpu_type")
        mdevs = self.root / "sys/bus/mdev/devices"
        if (
            self.refuses_mixed
            or any(each.read_text() != "0\n" for each in types)
            or (mdevs.exists() and any(mdevs.iterdir()))
        ):
            raise RefusedError(19, "Unable to set vGPU heterogeneous mode: In use by another client")
        (self.root / "mixed").write_text(f"{wanted}\n")
        return f"{wanted} vGPU heterogeneous mode for GPU 0000{self.address.upper()}\nAll done.\n"

    def _has_vfs(self) -> bool:
        """With virtual functions on the driver does not turn MIG off, as cubecos saw on a card of Blackwell's
        with R580; so it is taken to be the other way round, where NVIDIA's guide has the mode come first."""
        number = self.root / "sys/bus/pci/devices" / self.address / "sriov_numvfs"
        return number.exists() and number.read_text().strip() != "0"

    def _mig(self, of: list[str]) -> str:
        if of == ["-lgip"]:
            return "\n".join(self._offered()) + "\n"
        if of == ["-lgipp"]:
            return "".join(map(_places, KINDS))
        if self.mode != "Enabled":
            raise RefusedError(NONE, "No MIG-enabled devices found.")
        match of:
            case ["-lgi"]:
                return "\n".join(self._instances()) + "\n"
            case ["-lci"]:
                return "\n".join(self._compute()) + "\n"
            case ["-cgi", kind, *whole]:
                return self._create(kind, is_whole=whole == ["-C"])
            case ["-gi", id_, "-cci", *kinds]:
                return self._fill(int(id_), [int(each) for each in ",".join(kinds).split(",") if each])
            case ["-gi", id_, ("-dci" | "-dgi") as what]:
                return self._destroy(int(id_), what)
            case _:
                raise RefusedError(2, f"Invalid combination of input arguments: {of}")

    def _room(self, kind: Kind) -> list[int]:
        taken = {
            slice_
            for start, (_, id_, *_rest) in self.made.items()
            for slice_ in range(int(start), int(start) + BY_ID[id_].size)
        }
        if kind.id == 20 and any(id_ == 20 for _, id_, *_rest in self.made.values()):
            return []
        return [start for start in kind.starts if taken.isdisjoint(range(start, start + kind.size))]

    def _free(self, kind: Kind) -> int:
        if self.mode != "Enabled":
            return 0
        count = end = 0
        for start in self._room(kind):
            if start >= end:
                count, end = count + 1, start + kind.size
        return min(count, kind.total)

    def _offered(self) -> Iterator[str]:
        yield SIGNS
        yield "| GPU instance profiles:                                                      |"
        yield "| GPU   Name             ID    Instances   Memory     P2P    SM    DEC   ENC  |"
        yield "|                              Free/Total   GiB              CE    JPEG  OFA  |"
        yield f"|{'=' * 77}|"
        for kind in KINDS:
            sm, dec, enc, ce, jpeg, ofa = kind.units
            free = f"{self._free(kind)}/{kind.total}"
            yield (
                f"|   0  MIG {kind.name:<12} {kind.id:>3}     {free}        {kind.gib:<11}No   {sm:>4}   "
                f"{dec:>3}   {enc:>3}   |"
            )
            yield f"|{ce:>62}   {jpeg:>3}   {ofa:>3}   |"
            yield SIGNS

    def _instances(self) -> Iterator[str]:
        if not self.made:
            raise RefusedError(NONE, "No GPU instances found: Not Found")
        line = f"+{'-' * 55}+"
        yield line
        yield "| GPU instances:                                        |"
        yield "| GPU   Name             Profile  Instance   Placement  |"
        yield "|                          ID       ID       Start:Size |"
        yield f"|{'=' * 55}|"
        for start, (id_, kind, *_) in self._rows():
            name, size = BY_ID[kind].name, BY_ID[kind].size
            yield f"|   0  MIG {name:<14} {kind:>4}     {id_:>4}     {start:>6}:{size}     |"
            yield line

    def _compute(self) -> Iterator[str]:
        if not any(len(each) > 2 for each in self.made.values()):
            raise RefusedError(NONE, "No compute instances found: Not Found")
        line = f"+{'-' * 68}+"
        yield line
        yield "| Compute instances:                                                 |"
        yield "| GPU     GPU       Name             Profile   Instance   Placement  |"
        yield "|       Instance                       ID        ID       Start:Size |"
        yield "|         ID                                                         |"
        yield f"|{'=' * 68}|"
        for _, (id_, kind, *compute) in self._rows():
            at = 0
            for number, inner in enumerate(compute):
                part = "" if inner == BY_ID[kind].whole else f"{SLICES[inner]}c."
                name = f"{part}{BY_ID[kind].name}"
                yield (
                    f"|   0   {id_:>4}       MIG {name:<14}{inner:>4}      {number:>4}     "
                    f"{at:>6}:{SLICES[inner]}     |"
                )
                yield line
                at += SLICES[inner]

    def _rows(self) -> list[tuple[str, list[int]]]:
        order = [kind.id for kind in KINDS]
        return sorted(self.made.items(), key=lambda each: (order.index(each[1][1]), int(each[0])))

    def _create(self, wanted: str, *, is_whole: bool) -> str:
        number, _, start = wanted.partition(":")
        kind = BY_ID[int(number)]
        if int(start) not in self._room(kind):
            raise RefusedError(
                1,
                f"Unable to create a GPU instance on GPU  0 using profile {kind.id}: Insufficient Resources",
                "Failed to create GPU instances: Insufficient Resources",
            )
        id_ = kind.first_id[kind.starts.index(int(start))] + self.shift
        self.keep(self.made | {start: [id_, kind.id]})
        said = f"Successfully created GPU instance ID {id_:>2} on GPU  0 using profile MIG {kind.name} "
        said += f"(ID {kind.id:>2})\n"
        if is_whole and self.torn:
            self.torn = False
            raise RefusedError(1, "Failed to create compute instances: Unknown Error")
        return said + self._fill(id_, []) if is_whole else said

    def _fill(self, id_: int, kinds: Sequence[int]) -> str:
        made = self.made
        start = self._start(made, id_)
        whole = BY_ID[made[start][1]].whole
        said = ""
        for kind in kinds or [whole]:
            if sum(SLICES[each] for each in (*made[start][2:], kind)) > SLICES[whole]:
                raise RefusedError(1, "Failed to create compute instances: Insufficient Resources")
            made[start].append(kind)
            part = "" if kind == whole else f"{SLICES[kind]}c."
            said += (
                f"Successfully created compute instance ID {len(made[start]) - 3:>2} on GPU  0 GPU instance "
                f"ID {id_:>2} using profile MIG {part}{BY_ID[made[start][1]].name} (ID {kind:>2})\n"
            )
        self.keep(made)
        return said

    def _destroy(self, id_: int, what: str) -> str:
        made = self.made
        start = self._start(made, id_)
        inside = made[start][2:]
        if what == "-dci":
            if int(start) in self.busy:
                raise RefusedError(
                    19,
                    f"Unable to destroy compute instance ID  0 from GPU  0 GPU instance ID {id_:>2}: "
                    "In use by another client",
                    "Failed to destroy compute instances: In use by another client",
                )
            del made[start][2:]
            self.keep(made)
            return "".join(
                f"Successfully destroyed compute instance ID {n:>2} from GPU  0 GPU instance ID {id_:>2}\n"
                for n in range(len(inside))
            )
        if inside:
            raise RefusedError(
                19,
                f"Unable to destroy GPU instance ID {id_:>2} from GPU  0: In use by another client",
                "Failed to destroy GPU instances: In use by another client",
            )
        del made[start]
        self.keep(made)
        return f"Successfully destroyed GPU instance ID {id_:>2} from GPU  0\n"

    def _start(self, made: Made, id_: int) -> str:
        for start, each in made.items():
            if each[0] == id_:
                return start
        raise RefusedError(NONE, "No GPU instances found: Not Found")


def _places(kind: Kind) -> str:
    word = "Placements" if len(kind.starts) > 1 else "Placement "
    return f"GPU  0 Profile ID {kind.id:>2} {word}: {{{','.join(map(str, kind.starts))}}}:{kind.size}\n"


def main(root: str, address: str, *words: str) -> int:
    """Run it as a program."""
    try:
        sys.stdout.write(FakeSmi(Path(root), address).answer(words))
    except RefusedError as refused:
        sys.stdout.write(f"{refused}\n")
        return refused.code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
