"""Laboratory servers as hosts of the cloud: nova-compute with libvirt runs inside them.

Takes the folder of a cloud that is up and a topology; gives a server that nova schedules guests to. It
reaches the cloud's services, which listen on loopback alone, through QEMU's user network.
"""
