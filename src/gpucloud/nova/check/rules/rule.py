"""What a rule is: a pure function of a case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from gpucloud.nova.check.case import Case
from gpucloud.nova.check.finding import Finding

Rule: TypeAlias = Callable[[Case], Iterable[Finding]]
