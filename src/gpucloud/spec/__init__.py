"""What is wanted: ``gpucloud.yaml`` into a `Spec`, and back with its comments kept.

Takes text that a person wrote, strictly: an unknown key or a wrong value is refused with its line. Gives
values of ``model.spec``, and says which pool a unit belongs to. The schema is one table (``schema``), and the
reference page is made of it.
"""

from gpucloud.spec.choose import hosts_of, pool_of, pool_of_parent, strangers
from gpucloud.spec.edit import edit_spec
from gpucloud.spec.file import load_spec
from gpucloud.spec.read import parse_spec
from gpucloud.spec.unmatched import unmatched
from gpucloud.spec.write import render_spec

__all__ = [
    "edit_spec",
    "hosts_of",
    "load_spec",
    "parse_spec",
    "pool_of",
    "pool_of_parent",
    "render_spec",
    "strangers",
    "unmatched",
]
