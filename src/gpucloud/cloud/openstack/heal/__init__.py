"""Stale device state repaired: what an audit found becomes changes that are shown, kept, made, and read back.

* ``repair``: changes as values: of rows, of allocations, of providers; ``plan``: an audit into these. Pure.
* ``show``: a plan as a diff.
* ``rows``: SQL, each change with the values it expects, all in one transaction; ``placement``: calls.
* ``backup``: all that is changed, in a file, before; ``carry_out``: the order of it all; ``restore``: back.
"""
