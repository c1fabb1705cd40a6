"""Servers that start from disks of their own: takes Debian packages, gives disks with a boot loader."""
