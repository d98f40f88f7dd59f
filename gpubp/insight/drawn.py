"""Random rows, for a file without data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..data import Purpose, generator
from ..frontend import Net

if TYPE_CHECKING:
    from numpy.typing import NDArray


def drawn(net: Net, rows: int) -> dict[str, NDArray[Any]]:
    """Random rows for the inputs and targets of a net, the same at each call: labels of any class, standard normal
    inputs, targets between 0 and 1, where every loss is defined."""
    found: dict[str, NDArray[Any]] = {}
    for number, node in enumerate((*net.graph.inputs, *net.graph.targets)):
        rng = generator(0, Purpose.GRADCHECK, 2, number)
        assert node.type is not None
        shape = (rows, *node.type.shape)
        if node.type.classes is not None:
            values: NDArray[Any] = rng.integers(0, node.type.classes, shape)
        elif node in net.graph.inputs:
            values = rng.standard_normal(shape)
        else:
            values = rng.uniform(0.1, 0.9, shape)
        found[node.name] = values
    return found
