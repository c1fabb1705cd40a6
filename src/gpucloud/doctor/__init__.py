"""A host, or pasted evidence, into findings: what stops a GPU from reaching a guest, and what to do.

Takes ``model.Host``; gives ``model.Finding``s. Pure: it reads no file and runs no program.

* ``causes``: the registry of causes. An id never changes its meaning.
* ``rules``: how the world works, by subject; each rule gives findings of one cause.
* ``rank``: symptoms folded under their root cause.
"""

from gpucloud.doctor.case import Blind, Case, Diagnosis
from gpucloud.doctor.causes import CAUSES, Cause
from gpucloud.doctor.examine import diagnose, examine

__all__ = ["CAUSES", "Blind", "Case", "Cause", "Diagnosis", "diagnose", "examine"]
