"""Accumulated outputs of measuring programs, over pieces of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..backends import Backend
from ..frontend import KEPT, Built
from .feeding import Rows
from .machine import Machine, bucket


class Accumulator:
    """Sums of terms, and the values that metrics keep per row, whose row axis is `axis`."""

    def __init__(self, backend: Backend, axis: int = 0) -> None:
        self.backend, self.axis = backend, axis
        self._sums: dict[str, Any] = {}
        self._rows: dict[str, list[Any]] = {}

    def add(self, outputs: Mapping[str, Any], size: int) -> None:
        """Add the outputs for a piece, of which the first `size` rows count."""
        xp = self.backend.xp
        for name, value in outputs.items():
            if KEPT in name:
                piece = value[:size] if self.axis == 0 else value[:, :size]
                self._rows.setdefault(name.replace(KEPT, "/"), []).append(xp.array(piece))
            elif name in self._sums and name != "penalty":
                self._sums[name] = self._sums[name] + value
            else:
                self._sums[name] = xp.array(value)

    def on_host(self) -> dict[str, Any]:
        """Everything, by `metric/term`, as NumPy arrays."""
        rows = {name: self.backend.xp.concatenate(parts, axis=self.axis) for name, parts in self._rows.items()}
        return {name: self.backend.to_host(value) for name, value in (self._sums | rows).items()}


def padded(xp: Any, array: Any) -> Any:
    """An array padded with rows of zeros to the bucket of its size."""
    missing = bucket(len(array)) - len(array)
    if not missing:
        return array
    return xp.concatenate((array, xp.zeros((missing, *array.shape[1:]), dtype=array.dtype)))


def accumulate(
    machine: Machine, placed: Rows, batch: int, axis: int = 0, repeats: int = 0
) -> tuple[dict[str, Any], Built, int]:
    """The outputs of the measuring program for all rows, `batch` at a time, as `Accumulator.on_host` returns them; the
    program; and the number of rows. `repeats`: how often that was done before."""
    xp, gathered, count = machine.backend.xp, Accumulator(machine.backend, axis), 0
    for arrays in placed.pieces(batch):
        rows = len(arrays[0])
        count += rows
        mask = (xp.arange(bucket(rows)) < rows).astype("float64")
        bound = machine.run("measure", bucket(rows), [*(padded(xp, array) for array in arrays), mask], step=repeats)
        gathered.add(bound.outputs, rows)
    return gathered.on_host(), bound.compiled.built, count


def finish_metrics(host: Mapping[str, Any], built: Built, count: int) -> dict[str, Any]:
    """The penalties, the loss and the metrics, computed from the accumulated outputs of `count` rows."""
    out: dict[str, Any] = {"penalty": float(host["penalty"])}
    for name, finish in built.finish.items():
        out[name] = finish({key.split("/")[1]: v for key, v in host.items() if key.startswith(f"{name}/")}, count)
    return out
