"""Stale and wrong device state of a cloud: found and explained, and never changed here.

* ``observed``: what sysfs and QEMU of hosts, nova's database, nova-api and Placement each tell, as values.
* ``database``: nova's tables; ``look``: the APIs; ``hosts``: hosts: the only ones that reach anything.
* ``kinds``: what can be wrong, and nova's file that says so; ``disagreement``: one that was found, and what
  would make it right.
* ``facts``: by their keys; ``case``: what follows from them; ``rules``: one disagreement each;
  ``judge``: all; ``show``: as text.

Pure but for the readers. ``gpucloud.cloud.openstack.heal`` carries remedies out.
"""
