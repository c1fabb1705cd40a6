"""Servers that are not there: emulated machines with a real kernel, IOMMU groups and drivers."""
