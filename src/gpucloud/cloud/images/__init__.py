"""A cloud image made ready for guests with GPUs: room for CUDA, properties, packages.

* ``table``: the partition table of a larger disk; ``filesystem``: what is in the last partition, and ext
  grown in it; ``sparse``: bytes copied without their holes.
* ``profile``: properties that its guests need; ``packages``: drivers and compilers as cloud-init takes them.
* ``prepare``: all of it, from a file that is only read to one that is there whole or not at all.

Nothing is mounted, nothing is downloaded, and root is not needed.
"""
