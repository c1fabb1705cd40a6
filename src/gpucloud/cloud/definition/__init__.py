"""What a guest is made of, as values and as libvirt's XML: slots, address space, record. Pure."""
