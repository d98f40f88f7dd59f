"""The structure of a drawing of a net: boxes of nodes, blocks that can be expanded, repetitions merged into one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Literal

from dsl.records import dataclass

from ..frontend import Net, format_value
from ..wording import counted

if TYPE_CHECKING:
    from dsl.graph import Node

NUMBER = "[]"
"""The shape of a scalar, which is not shown."""

_WEIGHTS = ("weight", "table")
"""Roles of parameters that make a layer; the gains and biases of a normalisation go with the layer before it."""


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """Nodes that are drawn as one: a layer with what acts on each of its numbers, or a block (`inner`) with the name
    `name`. `lines`: what it says, the first is its title; `shape`: that of its result for one example, "" where it has
    several; `count`: so many of its kind, one behind the other; `shared`: its parameters were counted before."""

    kind: Literal["input", "layer", "plain", "block"]
    nodes: tuple[Node, ...]
    lines: tuple[str, ...]
    shape: str
    parameters: int
    shared: bool = False
    outputs: tuple[str, ...] = ()
    name: str = ""
    inner: Scope | None = None
    count: int = 1

    @property
    def about(self) -> str:
        """A description in one line."""
        parts = [" -> ".join(self.lines) + (f", {self.count} times" if self.count > 1 else "")]
        if self.shape not in ("", NUMBER):
            parts.append(self.shape)
        if self.parameters or self.shared:
            parts.append(counted(self.parameters, "parameter") + ", shared" * self.shared)
        parts += [f"output {name}" for name in self.outputs]
        return "; ".join(parts)

    @property
    def signature(self) -> object:
        """A key that is equal for boxes that look the same."""
        inner = self.inner and tuple(box.signature for box in self.inner.boxes)
        return self.kind, self.lines, self.shape, self.parameters, self.shared, self.outputs, inner


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """Boxes, each after those that lead to it, and what leads from one to another: (source, target, the node).
    `entries` and `exits`: nodes from outside, each with a box that takes it, and boxes with results for outside."""

    boxes: tuple[Box, ...]
    links: tuple[tuple[int, int, Node], ...]
    entries: tuple[tuple[Node, int], ...]
    exits: tuple[tuple[Node, int], ...]


def scope_of(net: Net, fold: bool = True) -> Scope:
    """The boxes of a net's model; `fold`: merge consecutive equal boxes."""
    return _Reader(net, fold).scope([node for node in net.graph.nodes if node.kind != "constant"], 0)


def sources(node: Node) -> Iterator[Node]:
    """The nodes that a node reads, without constants."""
    for one in (*node.inputs, *(v for v in node.attrs.values() if hasattr(v, "trace"))):
        if one.kind != "constant":  # type: ignore[union-attr]
            yield one  # type: ignore[misc]


@dataclass(slots=True)
class _Reader:
    net: Net
    fold: bool
    users: Counter[Node] = field(default_factory=Counter)
    read_by: dict[Node, list[Node]] = field(default_factory=dict)
    names: dict[Node, list[str]] = field(default_factory=dict)
    sizes: Counter[str] = field(default_factory=Counter)
    owners: Counter[str] = field(default_factory=Counter)
    layer_owners: frozenset[str] = frozenset()
    counted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for node in self.net.graph.nodes:
            self.owners[node.name.rpartition(".")[0]] += 1
            for source in sources(node):
                self.users[source] += 1
                self.read_by.setdefault(source, []).append(node)
        for name, node in self.net.graph.outputs.items():
            self.names.setdefault(node, []).append(name)
        for parameter in self.net.layout.parameters.values():
            self.sizes[parameter.place.name] += parameter.size
        self.layer_owners = frozenset(
            p.place.name for p in self.net.layout.parameters.values() if p.role in _WEIGHTS or p.place.kind == "weight"
        )

    def scope(self, nodes: Sequence[Node], depth: int) -> Scope:
        """The boxes of nodes whose first `depth` expansions are the same."""
        nodes = [n for n in nodes if n.kind != "target" or self.users[n]]
        boxes = self._boxes(nodes, depth)
        box_of = {node: i for i, box in enumerate(boxes) for node in box.nodes}
        links: dict[tuple[int, int, Node], None] = {}
        entries: dict[tuple[Node, int], None] = {}
        for i, box in enumerate(boxes):
            for node in box.nodes:
                for source in sources(node):
                    if source in box_of and box_of[source] != i:
                        links[box_of[source], i, source] = None
                    elif source not in box_of:
                        entries[source, i] = None
        order = _sorted(len(boxes), links)
        at = {old: new for new, old in enumerate(order)}
        own = set(nodes)
        exits = {
            (node, at[box_of[node]]): None
            for node in nodes
            if node in self.names or any(user not in own for user in self.read_by.get(node, ()))
        }
        scope = Scope(
            tuple(boxes[i] for i in order),
            tuple((at[a], at[b], node) for a, b, node in links),
            tuple((node, at[i]) for node, i in entries),
            tuple(exits),
        )
        return _folded(scope) if self.fold else scope

    def _boxes(self, nodes: Sequence[Node], depth: int) -> list[Box]:
        groups: dict[int, list[Node]] = {}
        for node in nodes:
            key = id(node.trace[depth]) if len(node.trace) > depth else -1 - len(groups)
            groups.setdefault(key, []).append(node)
        boxes: list[Box] = []
        for key, group in groups.items():
            if key < 0:
                self._add(boxes, group[0])
                continue
            inner = self.scope(group, depth + 1)
            what = group[0].trace[depth].what
            is_loop = what.startswith(("repeat ", "for "))
            if is_loop and len(inner.boxes) == 1:
                boxes.append(inner.boxes[0])
            else:
                boxes.append(self._block("repeat" if is_loop and what.startswith("repeat") else what, group, inner))
        return boxes

    def _add(self, boxes: list[Box], node: Node) -> None:
        """A box for the node, or a line in that of the one it acts on."""
        read = list(sources(node))
        size, shared = self._count(node)
        outputs = tuple(self.names.get(node, ()))
        if boxes and len(read) == 1 and boxes[-1].kind in ("layer", "plain") and boxes[-1].nodes[-1] is read[0]:
            before, shapes = boxes[-1], self.net.shapes
            alone = self.users[read[0]] == 1 and not before.outputs
            if alone and node.name not in self.layer_owners and shapes.get(node) == shapes.get(read[0]):
                boxes[-1] = replace(
                    before,
                    nodes=(*before.nodes, node),
                    lines=(*before.lines, self._line(node)),
                    parameters=before.parameters + size,
                    shared=before.shared or shared,
                    outputs=outputs,
                )
                return
        kind: Literal["input", "layer", "plain"] = "layer" if size or shared else "plain"
        kind = kind if node.type is None else "input"
        shape = self._shape(node) if node.type is None else str(node.type)
        boxes.append(Box(kind, (node,), (self._line(node),), shape, size, shared, outputs))

    def _block(self, what: str, group: Sequence[Node], inner: Scope) -> Box:
        name, bracket, options = what.partition("(")
        exit_nodes = [boxes.nodes[-1] for boxes in inner.boxes if any(node in boxes.nodes for node, _ in inner.exits)]
        return Box(
            "block",
            tuple(group),
            (name, options.removesuffix(")")) if bracket and options != ")" else (name,),
            self._shape(exit_nodes[0]) if len(exit_nodes) == 1 else "",
            sum(box.parameters for box in inner.boxes),
            any(box.shared for box in inner.boxes),
            tuple(name for node in group for name in self.names.get(node, ())),
            name.strip(),
            inner,
        )

    def _shape(self, node: Node) -> str:
        shape = self.net.shapes.get(node)
        return "" if shape is None else f"[{', '.join(map(str, shape))}]"

    def _count(self, node: Node) -> tuple[int, bool]:
        """Parameters of a node, and whether another use of the same layer has been counted."""
        size, shared = self.sizes[node.name], node.name in self.counted
        if size:
            self.counted.add(node.name)
        return size, shared

    def _line(self, node: Node) -> str:
        """A stage as a reader knows it: its function with the options that the file gives, its sign beside a number."""
        if node.type is not None:
            return node.name
        owner = node.name.rpartition(".")[0]
        if node.kind == "weight" and self.owners[owner] == 1:
            return owner.rpartition(".")[2]  # a free parameter has a name of its own in the file
        if not node.kind[0].isalpha():
            if any(one.kind == "constant" for one in node.inputs):
                return f" {node.kind} ".join(_operand(one) for one in node.inputs)
            return node.kind
        shown = []
        for number, key in enumerate(key for key in node.attrs if key in node.attr_spans):
            value = node.attrs[key]
            if hasattr(value, "trace") or "init" in key:
                continue
            text = format_value(value)
            # Nobody can tell what a bare `false` is about.
            named = number > 1 or isinstance(value, bool)
            shown.append(f"{key} = {text}" if named else text)
        return f"{node.kind}({', '.join(shown)})" if shown else node.kind


def _sorted(count: int, links: Iterable[tuple[int, int, Node]]) -> list[int]:
    """A topological order, as close to the given order as possible."""
    before: list[set[int]] = [set() for _ in range(count)]
    for a, b, _ in links:
        before[b].add(a)
    order: list[int] = []
    done: set[int] = set()

    def visit(box: int) -> None:
        stack = [box]
        while stack:
            if stack[-1] in done:
                stack.pop()
            elif waits := sorted(before[stack[-1]] - done, reverse=True):
                stack += waits
            else:
                done.add(stack[-1])
                order.append(stack.pop())

    for box in range(count):
        visit(box)
    return order


def _folded(scope: Scope) -> Scope:
    """Merge each run of equal boxes in which each leads only to the next."""
    after: dict[int, set[int]] = {}
    before: dict[int, set[int]] = {}
    for a, b, _ in scope.links:
        after.setdefault(a, set()).add(b)
        before.setdefault(b, set()).add(a)
    entries, exits = {i for _, i in scope.entries}, {i for _, i in scope.exits}
    kept: list[Box] = []
    at: dict[int, int] = {}
    for i, box in enumerate(scope.boxes):
        (last,) = before[i] if len(before.get(i, ())) == 1 else (-1,)
        if (
            last >= 0
            and after[last] == {i}
            and last not in exits
            and i not in entries
            and box.kind in ("layer", "block")
            and box.signature == scope.boxes[last].signature
        ):
            at[i] = at[last]
            before_it = kept[at[i]]
            kept[at[i]] = replace(
                before_it,
                nodes=(*before_it.nodes, *box.nodes),
                parameters=before_it.parameters if box.shared else before_it.parameters + box.parameters,
                count=before_it.count + 1,
            )
        else:
            at[i] = len(kept)
            kept.append(box)
    links = dict.fromkeys((at[a], at[b], node) for a, b, node in scope.links if at[a] != at[b])
    return Scope(
        tuple(kept),
        tuple(links),
        tuple(dict.fromkeys((node, at[i]) for node, i in scope.entries)),
        tuple(dict.fromkeys((node, at[i]) for node, i in scope.exits)),
    )


def _operand(node: Node) -> str:
    return format_value(node.attrs["value"]) if node.kind == "constant" else "_"  # type: ignore[arg-type]
