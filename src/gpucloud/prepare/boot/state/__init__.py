"""What a spec wants of the running host at every start: cards cut into slices, cards with VFIO.

Takes a `Host`, a `Spec` and what the inventory does not read (``now``), gives plans for the running kernel
and what cannot be as wanted. Types of vGPUs show only once there are virtual functions to show them, so it
is asked again after each round, until nothing is left to do.
"""

from gpucloud.prepare.boot.state.foreseen import foreseen, impossible
from gpucloud.prepare.boot.state.hands import hands_beside, read_hands
from gpucloud.prepare.boot.state.now import NOTHING, Now, read_now
from gpucloud.prepare.boot.state.plan import State, cut_units, plan_state, steps_at_start

__all__ = [
    "NOTHING",
    "Now",
    "State",
    "cut_units",
    "foreseen",
    "hands_beside",
    "impossible",
    "plan_state",
    "read_hands",
    "read_now",
    "steps_at_start",
]
