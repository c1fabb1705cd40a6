"""OpenStack nova's side of a GPU cloud: what a named release reads, refuses and matches.

Takes values of nova.conf, a ``Release`` and the PCI devices of a server; gives what that very release of
nova would make of them, with nova's own words where it refuses. Pure: nothing of nova is imported, no file
is read.

* ``releases``: the releases, and one table of what changed between them. The reference pages are made of it.
* ``refusal``: how nova says no: the exception it raises and its text.
* ``machine``: the PCI devices of a server as nova would be told of them.
* ``device_spec``: ``[pci]device_spec``, by each of its names, into entries that match devices.
* ``alias``: ``[pci]alias`` into requests, and ``pci_passthrough:alias`` of a flavor.
* ``match``: devices, entries and aliases brought together: which entry tracks which device, with which type,
  in which pool; which alias a pool serves; whether a flavor can be built here; what Placement is told.
* ``mdev``: ``[devices]enabled_mdev_types`` and its sections into the type and class of every GPU.
* ``config``: files of nova.conf read and added up as nova's library for options does it.
* ``check``: files judged for one release and ``service``: does it start, what does it read, what is wrong.
* ``properties``: properties of flavors and images: read, passed over, or refused.
* ``render``: nova.conf written for a release and a way of deploying, from a spec and what its hosts show.

Nova's own packages are the judge of this room: ``tests/nova/oracle`` runs both on the same cases.
"""
