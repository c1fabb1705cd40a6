"""What would be done, and why not: a `Host` and units into a `Plan`. Pure: touches nothing."""

from gpucloud.prepare.plan.passthrough import plan_passthrough

__all__ = ["plan_passthrough"]
