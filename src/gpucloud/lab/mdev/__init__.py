"""Mediated devices without hardware: the kernel's own sample drivers, built and loaded on a server."""
