"""The embedded default: guests on this machine through libvirt, with no state of gpucloud's own."""
