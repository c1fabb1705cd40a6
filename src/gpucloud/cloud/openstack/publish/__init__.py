"""A cloud that offers what the spec says: flavors, quotas, properties of images, aggregates, traits.

* ``offer``: what a cloud offers, as values; `Listed` is that with the ids under which the cloud has it.
* ``flavors``, ``limits``, ``wanted``: the spec as an offer, with what nova of the release makes of it.
* ``change``, ``compare``: how the two differ, each difference one call; ``show``: that as text.
* ``calls``: differences as requests; ``answers``: what the APIs answer, read strictly.
* ``mishaps``: what a difference that fails leaves behind.
* ``look``, ``carry_out``: the only ones that reach a cloud.

Pure but for the last two.
"""
