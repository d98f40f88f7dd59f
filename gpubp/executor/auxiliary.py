"""Auxiliary programs over an executor's state, which observe a net without changing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..backends import select
from ..frontend import Built
from .executor import Executor
from .machine import Machine, Programs

_MODE: Final = "gradients"


class Auxiliary:
    """A program for batches of `rows` rows, on an executor's device and sharing its state, which training updates in
    place. It locks the device like the executor, but is never compiled: compiled kernels are for training."""

    def __init__(self, executor: Executor, built: Built, rows: int) -> None:
        self.backend = select("cpu", "numpy") if executor.backend.name == "cpu" else executor.backend
        self._rows = rows
        made = executor.programs.others
        programs = made.setdefault(("auxiliary", built), Programs(self.backend))
        self._machine = Machine(lambda mode, batch, fit: built, programs, dict(executor.arrays()))

    @property
    def memory(self) -> int:
        """Bytes that the program needs in addition to the net's state."""
        costs = self._machine.compiled(_MODE, self._rows).costs
        return costs.memory - costs.states

    def __call__(self, feeds: Sequence[Any]) -> Mapping[str, Any]:
        """Run the program on feeds and the current state; returns its outputs by name, in arrays that the next call
        overwrites. The caller must hold the device (`backend.running`)."""
        return self._machine.run(_MODE, self._rows, feeds).outputs
