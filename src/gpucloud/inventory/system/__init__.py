"""Everything about a host that is no PCI function: kernel, processor, firmware, distribution."""
