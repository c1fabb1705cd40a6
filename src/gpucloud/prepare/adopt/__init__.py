"""Hosts that were set up by hand: what was done, turned into a spec, and cleaned up with the usual plan.

Pure but for ``read``. ``recognise`` says what each line of each file does, ``decide`` which of it a spec can
say instead and what has to stay, ``plan`` joins the spec, the clean-up and the plan of the spec.
"""

from gpucloud.prepare.adopt.plan import SpecFile, plan_adoption
from gpucloud.prepare.adopt.read import read_files_by_hand

__all__ = ["SpecFile", "plan_adoption", "read_files_by_hand"]
