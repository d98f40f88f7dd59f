"""The plan of a net's program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..passes import Plan, plan
from .programs import Built, Mode, build

if TYPE_CHECKING:
    from .net import Net


def planned(net: Net, mode: Mode, batch: int, dtype: str, fit: object | None = None) -> tuple[Built, Plan]:
    """The program of `net` as `build` makes it, and its plan: every value in its place, before anything runs."""
    built = build(net, mode, batch, dtype, fit)
    return built, plan(built.program, built.program.inputs[: len(built.feeds)], built.homes)
