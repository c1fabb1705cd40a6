"""Files of nova.conf judged for one release and service: does it start, what does it read, what is wrong.

* ``case``: files, release, service, and what follows from them; ``start``: nova's own word on it.
* ``finding``: what the check says; ``rules``: everything that it looks for, one function each.
* ``report``: the whole, as an object for JSON or as text; ``page``: the reference of all findings.

The rules are pure: they take a ``Case`` and read nothing else. That nova says the same of the same files is
proved in ``tests/nova/oracle``.
"""

from gpucloud.nova.check.case import Case
from gpucloud.nova.check.finding import Finding, Kind
from gpucloud.nova.check.report import Report, check
from gpucloud.nova.service import Service

__all__ = ["Case", "Finding", "Kind", "Report", "Service", "check"]
