"""A server that runs: takes a topology and an image, gives a QEMU process with two wires into it."""
