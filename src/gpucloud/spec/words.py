"""Words that several sections of a spec hold."""

from __future__ import annotations

import re

from gpucloud.spec.kinds import Word

HOST = Word(
    "a host's name or a pattern of names (`gpu0[1-8]`)",
    re.compile(r"[A-Za-z0-9*?\[][A-Za-z0-9.*?\[\]!_-]{0,252}", re.ASCII),
)
TRAIT = Word("a trait: capitals, digits and `_`", re.compile(r"[A-Z0-9_]{1,255}", re.ASCII))
