"""A wanted cut of cards, written in lines, and the steps that reach it: or why it cannot be reached. Pure."""

from gpucloud.slices.layout.plan import is_instance, plan_layout
from gpucloud.slices.layout.step import CardPlan, Step
from gpucloud.slices.layout.wish import Wish, parse_layout, parse_place

__all__ = ["CardPlan", "Step", "Wish", "is_instance", "parse_layout", "parse_place", "plan_layout"]
