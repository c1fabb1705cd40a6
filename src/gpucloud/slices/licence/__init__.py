"""Licences of NVIDIA's vGPU guests: what a guest is configured with, and whether it has its licence. Pure.

Takes the address of a legacy licence server or a client configuration token; gives the guest's files, and
the same as a cloud-config. Takes what a guest printed (``nvidia-smi -q``, the journal of nvidia-gridd, the
report of ``probe``); gives the state of each GPU, proven, or the reasons why it has no licence.

Nothing here talks to a licence server, and none is imitated. Sources: NVIDIA Virtual GPU Client Licensing
User Guide; comments in ``gridd.conf.template`` of the guest driver; outputs as users published them.
"""
