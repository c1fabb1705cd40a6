"""The releases of nova, and every behaviour for GPUs that changed between them, as one table.

* ``release``: ``Release``, and what people type for one, into it.
* ``fact``: a behaviour with the version of each change.
* ``options``, ``pci``, ``scheduler``, ``vgpu``, ``guest``, ``platform``: the facts by subject; ``table`` is
  all of them.
* ``page``: a release's reference page, from that table.

Sources: nova's repository at the tags named (13.0.0 to 34.0.0); each fact names its file.
"""
