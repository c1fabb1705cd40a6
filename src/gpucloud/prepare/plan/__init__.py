"""What would be done, and why not: a `Host` and units into a `Plan`. Pure: touches nothing."""

from gpucloud.prepare.plan.choose import choose_units
from gpucloud.prepare.plan.passthrough import plan_passthrough
from gpucloud.prepare.plan.recheck import recheck
from gpucloud.prepare.plan.render import plan_lines, render_plan

__all__ = ["choose_units", "plan_lines", "plan_passthrough", "recheck", "render_plan"]
