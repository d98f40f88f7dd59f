"""ONNX forms: how a primitive is expressed as nodes of an ONNX graph (Open Neural Network Exchange, opset 18)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from dsl.records import dataclass

from .avals import Aval

ONNX_TYPES = {"float32": 1, "int32": 6, "int64": 7, "bool": 9, "float64": 11, "uint32": 12, "uint64": 13}
"""The format's codes of element types."""


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """An operand of a node: a constant, `array`, or the tensor `name` of the graph. With `axes` it is
    `transpose(name, axes)`; a Transpose node is inserted only if it is used as such."""

    aval: Aval
    name: str = ""
    axes: tuple[int, ...] | None = None
    array: Any = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.aval.shape


class Graph(Protocol):
    """The interface that forms write to. A node's input is a `Tensor`, or the name of one."""

    def node(self, op: str, *inputs: Tensor | str, **attributes: Any) -> str:
        """Add a node and return the name of its output."""

    def nodes(self, op: str, count: int, *inputs: Tensor | str, **attributes: Any) -> list[str]:
        """Add a node with `count` outputs."""

    def constant(self, value: float | Sequence[float], dtype: str) -> Tensor:
        """A constant scalar or vector."""

    def ints(self, numbers: Sequence[int]) -> str:
        """An int64 vector; those that scale with the batch are computed from the batch size at run time."""

    def scales(self, number: int) -> bool:
        """Whether a number scales with the batch."""

    def transposed(self, x: Tensor, axes: Sequence[int]) -> Tensor:
        """`x` with its axes permuted."""

    def body(self, program: Any, captured: Sequence[Tensor]) -> Any:
        """A program as a subgraph; its last inputs are the `captured` tensors of this graph."""


OnnxResult = str | Tensor | Sequence[str] | None
"""What a form returns: the result, or the names of several; None if ONNX cannot express this case."""


def _no_attributes(**params: Any) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Decomposition:
    """A decomposition into other primitives: `steps(*inputs, **params)` records the equations."""

    steps: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class OneNode:
    """A single node with the same inputs; `attributes` computes its attributes from the params. `double`: what replaces
    it in float64, if runtimes lack that."""

    op: str
    attributes: Callable[..., Mapping[str, Any]] = _no_attributes
    double: Decomposition | None = None


@dataclass(frozen=True, slots=True)
class Nodes:
    """Any nodes: `write(graph, result, *inputs, **params)` adds them, given the abstract result (a tuple if there are
    several) and a `Tensor` per input."""

    write: Callable[..., OnnxResult]


OnnxForm = OneNode | Decomposition | Nodes
