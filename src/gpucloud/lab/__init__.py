"""Servers that are not there: emulated machines with a real kernel, IOMMU groups and drivers.

Takes a topology (data: which cards, ports and IOMMU a server has), gives a running server that takes
commands: `gpucloud.lab.lab.Lab`.
"""
