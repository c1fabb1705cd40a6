"""What was done, on the disk before it is done: plans in, `Entry` and its `Progress` out."""

from gpucloud.prepare.journal.log import Event, Kind, Progress, Status
from gpucloud.prepare.journal.store import STATE, Entry, Journal

__all__ = ["STATE", "Entry", "Event", "Journal", "Kind", "Progress", "Status"]
