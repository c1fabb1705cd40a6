"""How a host is reached by what changes it: each way with a limit that holds, or whole or not at all.

* ``hand``: writes of a process of its own, which can be left behind where the kernel does not let it go.
* ``program``: programs, left behind and named in the same way.
* ``tree``: files, each whole or not at all.
"""
