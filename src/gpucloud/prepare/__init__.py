"""A host made ready for guests, and given back exactly.

Takes a `Host` and GPU units and gives a `Plan` (``plan``, pure); takes a plan, a `System` and a `Journal` and
changes the host (``apply``), looks whether it is as planned (``verify``) and takes it back (``undo``).
Everything that is done is in the journal first.
"""
