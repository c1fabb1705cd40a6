"""What a guest boots from: the built-in check guest, or a disk image with a seed for cloud-init."""
