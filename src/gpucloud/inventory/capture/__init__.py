"""A host in a file: directories, tar and zip archives read in memory, and captures written.

Takes a path that nobody vouches for; gives a ``Reader``. Nothing is unpacked to disk, every size is
bounded, and no path or link leads outside the capture.

A host's files are members of their own, or packed into one (``packed``), as gpucloud writes them.

What a capture does not hold is told from what a host does not have by rule:

* A capture that gpucloud made says in its manifest which paths were collected and which could not be
  read. A collected path that is missing was not on the host.
* In any other capture, a path that every kernel shows (``allowlist.is_always_there``) and that is
  missing was not captured. Any other missing path was not on the host if its folder is in the
  capture, and was not captured if the folder is missing too.
"""
