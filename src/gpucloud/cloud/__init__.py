"""Guests with GPUs: one protocol; libvirt on this machine is the embedded default."""
