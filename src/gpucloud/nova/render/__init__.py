"""nova.conf written: a spec and what its hosts show, into the files of a way of deploying.

* ``taken``: what the pools have on a host.
* ``wanted``: the release and the step of the way to Placement that all is written for.
* ``entries``, ``aliases``, ``mediated``, ``candidates``: that as options, by subject.
* ``proof``: the result read back by the release's own rules, before anybody sees it.
* ``build``: all of it as ``Settings``; ``conf``: those as options of each service.
* ``merge``: the same into a file that somebody else wrote.
* ``layouts``: options into each deployment tool's files; ``rollout``: the order of restarts.
"""

from gpucloud.nova.render.build import settings_for
from gpucloud.nova.render.conf import is_ours
from gpucloud.nova.render.layouts import LAYOUTS, Layout
from gpucloud.nova.render.merge import Merged, merge
from gpucloud.nova.render.rendered import Rendered, layout_named, render
from gpucloud.nova.render.settings import Settings

__all__ = [
    "LAYOUTS",
    "Layout",
    "Merged",
    "Rendered",
    "Settings",
    "is_ours",
    "layout_named",
    "merge",
    "render",
    "settings_for",
]
