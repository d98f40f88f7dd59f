"""What a `.net` file means: a static graph of named function applications, with every loop and block expanded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from .records import dataclass
from .source import Source, Span


@dataclass(frozen=True, slots=True)
class Duration:
    """`3epochs`, `200steps`."""

    amount: int | float
    unit: Literal["epochs", "steps"]


@dataclass(frozen=True, slots=True)
class Word:
    """A name that the catalogue knows and that stands for itself: `pad = same`."""

    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry of the catalogue with its options bound, defaults filled in: `adam(lr = 0.05)`, `normal(0.02)`."""

    name: str
    options: Mapping[str, Static]
    span: Span
    option_spans: Mapping[str, Span] = field(default_factory=dict)


Static = int | float | bool | str | Duration | Word | Choice | tuple["Static", ...] | None
"""A value known when the file is read. Lists are tuples; numbers given as `25%` are floats (0.25)."""


@dataclass(frozen=True, slots=True)
class Type:
    """Type of an input or target, per example: a float tensor (`classes` None) or integer labels 0 .. classes - 1."""

    shape: tuple[int, ...]
    classes: int | None = None

    def __str__(self) -> str:
        shape = f"[{', '.join(map(str, self.shape))}]"
        if self.classes is None:
            return shape
        return f"class({self.classes}){shape if self.shape else ''}"


@dataclass(frozen=True, slots=True)
class Frame:
    """One level of expansion: `residual(ch = 32, stride = 2)` used at `span`."""

    what: str
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One application of a function, compared by identity.

    `kind`: a name of the catalogue (`dense`), an operator's sign (`+ - * / // ^ == != < <= > >=`; unary minus is
    `neg`), or
    `input`, `target`, `constant` (attrs: value), `weight` (a weight used as a value; attrs: path).
    `name`: the place of its weights, `logits.residual_3.main.conv_bn_2.conv`; unique, but that the uses of one
    `layer` share theirs, which is how they share the weights; of an input or a target, its name in the file.
    `label`: the name the file gives this value, or "".
    `attrs`: the options, defaults filled in; those of kind `value` (optional inputs) are Nodes.
    `input_spans`, `attr_spans`: where each was written (a default has no span).
    `trace`: the expansions that led here, outermost first.
    """

    name: str
    kind: str
    attrs: Mapping[str, Static | Node]
    inputs: tuple[Node, ...]
    span: Span
    label: str = ""
    part: str = "function"
    input_spans: tuple[Span, ...] = ()
    attr_spans: Mapping[str, Span] = field(default_factory=dict)
    trace: tuple[Frame, ...] = ()
    type: Type | None = None

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"


@dataclass(frozen=True, slots=True)
class DataEntry:
    """`x, y = csv(...)`: a reader with its options bound, or inline rows (nested tuples of numbers and words)."""

    names: tuple[str, ...]
    value: Choice | tuple[Static, ...]
    span: Span
    name_spans: tuple[Span, ...]
    value_span: Span


@dataclass(frozen=True, slots=True)
class Data:
    """`entries` is empty where the section holds a `split` alone, for rows that a caller hands over."""

    entries: tuple[DataEntry, ...]
    split: Choice | None
    span: Span


@dataclass(frozen=True, slots=True)
class Train:
    """`loss` and `metrics` are nodes over the model's nodes (`nodes`: those made here, each after its inputs);
    `options` holds every other key of the catalogue, defaults filled in; `spans` the text of those that were
    written."""

    nodes: tuple[Node, ...]
    loss: Node
    metrics: tuple[tuple[str, Node], ...]
    options: Mapping[str, Static]
    spans: Mapping[str, Span]
    span: Span


@dataclass(frozen=True, slots=True)
class Param:
    """A `param` with its value in force; `domain` as written (list of statics, ("..", first, last), or a Choice such
    as log(a, b))."""

    value: Static
    domain: Static
    span: Span


@dataclass(frozen=True, slots=True)
class LayerGraph:
    """The whole experiment. `nodes`: the model's, each after its inputs; `values`: named values; `sizes`: the sizes
    that `?k` named."""

    source: Source
    nodes: tuple[Node, ...]
    inputs: tuple[Node, ...]
    targets: tuple[Node, ...]
    outputs: Mapping[str, Node]
    values: Mapping[str, Node]
    params: Mapping[str, Param]
    sizes: Mapping[str, int]
    data: Data | None
    train: Train | None

    @property
    def rows(self) -> Data | None:
        """The section `data` where it gives rows; None where it holds a `split` alone, too."""
        return self.data if self.data is not None and self.data.entries else None

    @property
    def all_nodes(self) -> tuple[Node, ...]:
        """The nodes of the model, and those of `train` behind them."""
        return (*self.nodes, *self.train_nodes)

    @property
    def train_nodes(self) -> tuple[Node, ...]:
        """The nodes of `train`; none without one."""
        return () if self.train is None else self.train.nodes

    @property
    def metrics(self) -> tuple[tuple[str, Node], ...]:
        """The metrics of `train`, by name; none without one."""
        return () if self.train is None else self.train.metrics

    def choice(self, key: str) -> Choice | None:
        """The entry of the catalogue that a key of `train` has for its value, if it has one."""
        value = None if self.train is None else self.train.options.get(key)
        return value if isinstance(value, Choice) else None


def ancestors(*nodes: Node) -> list[Node]:
    """Nodes and all their dependencies, in topological order."""
    out: dict[Node, None] = {}
    work = [(node, False) for node in nodes]
    while work:
        top, ready = work.pop()
        if ready:
            out[top] = None
        elif top not in out:
            work.append((top, True))
            work += [(s, False) for s in (*top.attrs.values(), *reversed(top.inputs)) if isinstance(s, Node)]
    return list(out)
