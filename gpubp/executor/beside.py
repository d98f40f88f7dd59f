"""Programs beside those of an executor: what looks at a net, and changes nothing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..backends import select
from ..frontend import Built
from ..passes import cost
from .executor import Executor
from .machine import Machine

_MODE: Final = "gradients"


class Beside:
    """A program for batches of so many rows, on an executor's device and over its own states, which training writes in
    place. It takes the device as the executor does, but compiled kernels are for training alone."""

    def __init__(self, executor: Executor, built: Built, rows: int) -> None:
        self.backend = select("cpu", "numpy") if executor.backend.name == "cpu" else executor.backend
        self._rows = rows
        self._machine = Machine(lambda mode, batch, fit: built, self.backend, dict(executor.arrays()))

    @property
    def memory(self) -> int:
        """Bytes that the program takes beside the net's state."""
        costs = cost(self._machine.compiled(_MODE, self._rows).plan)
        return costs.memory - costs.states

    def __call__(self, feeds: Sequence[Any]) -> Mapping[str, Any]:
        """What the program makes of its feeds and of the states as they stand, by name; arrays that the next call
        overwrites. The caller has the device (`backend.running`)."""
        return self._machine.run(_MODE, self._rows, feeds).outputs
