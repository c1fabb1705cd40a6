"""Disks for guests: takes Debian packages, gives images as users bring them, a good one and bad ones."""
