"""Files that are gpucloud's own: the early script and how it gets into an initramfs, modules, the unit."""
