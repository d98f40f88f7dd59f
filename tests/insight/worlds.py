"""Nets with their training rows, for what looks into a step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gpubp
from gpubp.data import Stream
from gpubp.data import load as load_data
from gpubp.insight import drawn
from tests.render.compiled import FEWER

MODELS = Path(__file__).resolve().parents[2] / "models"
ALL = sorted(path.stem for path in MODELS.glob("*.net"))
NEEDS_ROWS = {"deep_batchnorm": 8}
"""The batch of nets that normalise single numbers over it."""


def executor(net: gpubp.Net, precision: str = "float64") -> tuple[gpubp.Executor, Mapping[str, Any]]:
    """A net with its first weights, its statistics gathered, and its training rows; drawn ones where its data set does
    not ship."""
    rows = _rows(net)
    ex = gpubp.Executor(net, "cpu", precision, backend="numpy")
    ex.fit_first(ex.place(rows))
    return ex, rows


_read: dict[tuple[Path, str], Mapping[str, Any]] = {}


def _rows(net: gpubp.Net) -> Mapping[str, Any]:
    """Those of one text are read once."""
    key = (net.base, net.graph.source.text)
    if key not in _read:
        try:
            rows = load_data(net.graph, net.base, 0).part("train")
        except gpubp.errors.DataError:
            rows = drawn(net, 16)
        if isinstance(rows, Stream):
            rows = rows.batch(0, 0, 0, min(256, len(rows)), mixed=False)
        for array in rows.values():
            array.setflags(write=False)
        _read[key] = rows
    return _read[key]


def model(name: str, count: int = 1) -> tuple[gpubp.Executor, dict[str, Any]]:
    """A model that ships, with layers FEWER, and its first rows."""
    ex, rows = executor(gpubp.load(MODELS / f"{name}.net", params=FEWER.get(name)))
    return ex, {key: array[: NEEDS_ROWS.get(name, count)] for key, array in rows.items()}
