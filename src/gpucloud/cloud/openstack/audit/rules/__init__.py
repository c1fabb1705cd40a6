"""What can be wrong, one subject a file: rows of gone guests, of devices, beside each other; Placement."""
