"""A host, or pasted evidence, into findings: what stops a GPU from reaching a guest, and what to do.

Takes ``model.Host`` or texts that people paste; gives ``model.Finding``s. Pure: it reads no file and runs
no program.

* ``causes``: the registry of causes. An id never changes its meaning; the reference pages are made of it.
* ``evidence``: pasted text into a ``Case``: the phrase book says what programs print, parsers turn listings
  into a partial host in which everything not shown is Unknown, each fact with the line that shows it.
* ``rules``: how the world works, by subject. Those over a host judge reports too; ``rules.pasted`` adds what
  only reports have: messages, nova's options, requests.
* ``rank``: symptoms folded under their root cause; a host's worst first, a report's likeliest first.
"""

from gpucloud.doctor.case import Blind, Case, Diagnosis
from gpucloud.doctor.causes import CAUSES, Cause
from gpucloud.doctor.examine import diagnose, examine

__all__ = ["CAUSES", "Blind", "Case", "Cause", "Diagnosis", "diagnose", "examine"]
