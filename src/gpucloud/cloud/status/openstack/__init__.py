"""A cloud's stock: what nova and Placement tell of it, and what captures of its hosts add.

* ``read``: what was read, as values; ``answers``: what the APIs answer, into these; ``look``: the only one
  that reaches a cloud.
* ``wants``: flavors as sizes of guests; ``hosts``: providers as stock; ``seen``: both together.
"""
