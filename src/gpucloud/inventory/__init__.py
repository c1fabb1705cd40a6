"""A host into `model.Host`: from sysfs, from a capture, or from a remote server; functions into GPU units."""
