"""Why a guest cannot be scheduled: what nova would do with a flavor, or did with a server, step by step.

* ``seen``: what the APIs tell, as values; ``answers``: what they answer, into these.
* ``request``: what a flavor asks Placement for.
* ``look``: reaches a cloud; ``owner``, ``standing`` and ``hints`` for it: the project with keystone's limits,
  zone and server group, scheduler hints. What may not be read is `Unknown`, with the reason.
* ``given``: what no API tells: files of nova, captured hosts, pasted words.
* ``rules``: one step of nova each, in nova's order; ``judge``: the first that stops; ``show``: that as text.

Pure but for ``look``, ``owner``, ``standing`` and ``hints``.
"""
