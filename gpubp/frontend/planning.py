"""Planning of a net's programs."""

from __future__ import annotations

from ..passes import Plan, plan
from .net import Net
from .programs import Built, build
from .tracing import Mode


def plan_of(built: Built) -> Plan:
    """The plan of a program: every value in its place, before anything runs."""
    return plan(built.program, built.program.inputs[: len(built.feeds)], built.homes)


def build_plan(net: Net, mode: Mode, batch: int, dtype: str) -> tuple[Built, Plan]:
    """The program of `net` as `build` makes it, and its plan."""
    built = build(net, mode, batch, dtype)
    return built, plan_of(built)
