"""PCI functions and IOMMU groups: sysfs attributes into ``model.pci`` values."""
