"""This machine under the guests: its QEMU, its functions, folders and clock; who ends a guest in time."""
