"""What hosts with GPUs have, who uses it, and what of it can still be sold.

* ``stock``: hosts, units and what they are asked for, as values; `Unknown` where nothing tells.
* ``pack``: how many guests get so many units each, where one IOMMU group goes to one guest.
* ``count``: stock against wants; ``summary``: all of it for one screen; ``show``: that as text and JSON.
* ``here``: this host and captured ones, with the guests of libvirt.
* ``openstack``: a cloud, through nova and Placement.

Pure but for ``here`` and ``openstack.look``.
"""
