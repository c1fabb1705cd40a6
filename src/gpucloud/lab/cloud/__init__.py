"""A real OpenStack on one machine: keystone, placement, glance, nova, all on loopback.

Takes a release from PyPI (``files/requirements.txt``) and Debian's packages (``files/packages.txt``), gives a
cloud that a ``clouds.yaml`` leads to: `gpucloud.lab.cloud.up.up`. Everything of it is in one folder, and
`gpucloud.lab.cloud.down.down` leaves nothing of it but what is cached.
"""
