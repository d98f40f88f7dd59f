"""Readers that the language knows and this version does not have: the names are kept, using one says so."""

from __future__ import annotations

from typing import Any

from dsl.graph import Choice
from gpubp.registry import register

from .checks import problem
from .dataset import Read, Request

NAMES = ("cifar",)


def unavailable(request: Request, **options: Any) -> Read:
    """Stands for a reader of a later version. Raises DiagnosticError."""
    value = request.entry.value
    name = value.name if isinstance(value, Choice) else "this"
    help = "there are `csv`, `npy`, `npz`, `idx`, `images`, `text`, `parquet`, `arrow`, and rows written out"
    raise problem("E0411", f"the reader `{name}` is not available yet", request.entry.value_span, help=help)


for _name in NAMES:
    register("reader", _name, available=False)(unavailable)
