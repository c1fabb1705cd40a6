"""A host into ``model.Host``: from the running kernel, from a capture, or over ssh.

Takes a ``Reader``, the narrow way to a host that can look and cannot change anything; gives one
``Host`` with every fact that decides whether a GPU can reach a guest. What cannot be read is
``Unknown`` with the reason, never absent.
"""

from gpucloud.inventory.host import read_host
from gpucloud.inventory.open import open_host, open_reader

__all__ = ["open_host", "open_reader", "read_host"]
