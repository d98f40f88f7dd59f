"""What each peer's file gives to the worker.

`versions() -> dict[str, str]`, `ways(case) -> list[str]` (the ways in which it can run a case, none where it cannot),
`prepare(case, way, materials, ordered) -> Prepared`; `ordered`: the rows of an epoch are not mixed, so that losses can
be compared. `train_xor(way)` trains the net of models/xor.net for its 500 epochs and prints the last loss: a process of
its own. A peer that is installed but cannot work raises ImportError with the reason in `versions`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import count
from typing import Any

Materials = Mapping[str, Any]


class Prepared(ABC):
    """A case with its first weights, ready to run. `chunk`: steps are asked for in multiples of it, where more than it
    are asked for."""

    chunk: int = 1

    @abstractmethod
    def steps(self, count: int) -> Any:
        """So many steps, finished when this returns: their losses, (count,) or (count, restarts); of a `predict` case
        so many calls, and the outputs of the last."""


def first_weights(materials: Materials) -> list[Any]:
    """The arrays `w0`, `w1` ..., in order."""
    found = []
    for i in count():
        if f"w{i}" not in materials:
            return found
        found.append(materials[f"w{i}"])
    raise AssertionError("count ends")


def xor_rows() -> tuple[Any, Any]:
    """The rows of models/xor.net."""
    import numpy as np

    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    return x, np.array([[0], [1], [1], [0]], np.float32)


def xor_weights() -> list[Any]:
    """First weights for it, zero biases."""
    import numpy as np

    rng = np.random.default_rng(0)
    return [rng.normal(size=s).astype("float32") * (len(s) > 1) for s in ((2, 8), (8,), (8, 1), (1,))]
