"""The context in which an expression is resolved: its scope, the prefix of its weights, the enclosing expansions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, NoReturn

from .. import syntax
from ..catalog import Catalog, Part
from ..diagnostics import Diagnostic, DiagnosticError, Label
from ..graph import Frame, Node, Static, Type
from ..limits import MAX_CALLS, MAX_ITEMS, MAX_NESTED, MAX_NODES, NESTING
from ..notation import Notation
from ..records import dataclass
from ..source import Span
from .forms import Form
from .naming import StageNames
from .report import Report, expanded_from
from .scopes import FUNCTION_PLACE, Entry, Scope, Unit
from .values import POISON, MultiValue, Operand, Poison, Value, describe, has_poison, is_number

NAMED_PARTS: tuple[Part, ...] = ("function", "loss", "metric", "penalty")


@dataclass(slots=True)
class PathUse:
    """A dotted name of weights, to be checked when all weights are known."""

    text: str
    span: Span


@dataclass(slots=True)
class Shared:
    """The state shared by all contexts of one `resolve`. `notation`: how `overrides` are written; `outputs`: the names
    of the model's outputs so far."""

    catalog: Catalog
    report: Report
    words: set[str]
    evaluate: Callable[[Context, syntax.Expr], Value]
    overrides: Mapping[str, str]
    notation: Notation
    nodes: list[Node] = field(default_factory=list)
    order: dict[int, int] = field(default_factory=dict)
    weights: dict[str, Node] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    skipped: set[int] = field(default_factory=set)
    paths: list[PathUse] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    defaults: dict[int, Mapping[str, Static]] = field(default_factory=dict)
    forms: dict[tuple[int, str], Form] = field(default_factory=dict)
    calls: int = 0
    nesting: int = 0
    items: int = 0


@dataclass(slots=True)
class Context:
    """`base` goes before the names made here (`logits.residual_3.`), `place` names the stages of the value being made.

    `parts`: where in the catalogue a function is searched, in this order. `weightless`: why no weights may be made
    here, or "".
    `no_alias`: what forbids `as` here, or "". `options`: an option is being read, which sees no tensors.
    """

    shared: Shared
    unit: Unit
    scope: Scope
    base: str
    place: StageNames
    trace: tuple[Frame, ...] = ()
    level: int = 0
    parts: tuple[Part, ...] = ("function", "loss")
    weightless: str = ""
    no_alias: str = ""
    options: bool = False

    def derive(self, **changes: Any) -> Context:
        """A copy with some fields changed; `replace` would be too slow in this, the resolver's hottest function."""
        copy = Context(
            self.shared,
            self.unit,
            self.scope,
            self.base,
            self.place,
            self.trace,
            self.level,
            self.parts,
            self.weightless,
            self.no_alias,
            self.options,
        )
        for name, value in changes.items():
            setattr(copy, name, value)
        return copy

    def evaluate(self, expr: syntax.Expr) -> Value:
        """The value of an expression; poison after an error, which is reported."""
        shared = self.shared
        shared.nesting += 1
        if shared.nesting > MAX_NESTED:
            self.stop(expr.span, "this is nested too deeply", "split it into values with names")
        value = shared.evaluate(self, expr)
        shared.nesting -= 1
        if isinstance(value, tuple):
            self._count_items(value, expr.span)
        return value

    def operand(self, expr: syntax.Expr) -> Operand:
        return Operand(self.evaluate(expr), expr.span)

    def static(self, expr: syntax.Expr) -> Value:
        """The value of an expression in which tensors are not visible."""
        return (self if self.options else self.derive(options=True)).evaluate(expr)

    # Findings

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        label: str = "",
        labels: Sequence[Label] = (),
        notes: Sequence[str] = (),
        help: Sequence[str] = (),
    ) -> Poison:
        """Report an error here, with the expansions that led here; its value is poison."""
        notes = (*expanded_from(self.trace), *notes)
        self.shared.report.add(Diagnostic(code, message, span, label, tuple(labels), notes, tuple(help)))
        return POISON

    def warn(
        self, code: str, message: str, span: Span, *, labels: Sequence[Label] = (), help: Sequence[str] = ()
    ) -> None:
        warning = Diagnostic(code, message, span, labels=tuple(labels), help=tuple(help), severity="warning")
        self.shared.report.add(warning)

    def stop(self, span: Span, message: str, help: str) -> NoReturn:
        """Give up the file: a limit of the expansion is reached."""
        raise DiagnosticError(Diagnostic("E0219", message, span, notes=expanded_from(self.trace), help=(help,)))

    def count_call(self, span: Span) -> None:
        """Count one expansion of a block, fn or layer, or one iteration of a loop."""
        self.shared.calls += 1
        if self.shared.calls > MAX_CALLS:
            self.stop(span, f"this file expands to more than {MAX_CALLS:,} calls and turns of loops", "use fewer")

    def _count_items(self, value: tuple[Value, ...], span: Span) -> None:
        """Count the items of a list and of nested lists, whenever it is created or used."""
        pending: list[tuple[tuple[Value, ...], int]] = [(value, 1)]
        while pending:
            items, depth = pending.pop()
            self.shared.items += len(items)
            if self.shared.items > MAX_ITEMS:
                self.stop(span, f"the lists of this file have more than {MAX_ITEMS:,} items", "use shorter lists")
            if depth > NESTING:
                self.stop(span, f"lists nest deeper than {NESTING} levels", "use flatter lists")
            pending.extend([(item, depth + 1) for item in items if isinstance(item, tuple)])

    # Names

    def define(self, entry: Entry) -> None:
        """Define a name in the current scope; an error if it exists."""
        name = entry.name
        existing = self.scope.clash(name.text)
        if existing is not None:
            if existing.name is not name:
                self.error(
                    "E0202",
                    f"the name `{name.text}` is assigned twice",
                    name.span,
                    label="again here",
                    labels=[Label(existing.name.span, f"first here, as {existing.described}")],
                    help=[
                        f"`?` names a size once; to repeat it, write `{name.text}`"
                        if entry.kind == existing.kind == "size"
                        else f"a name is assigned once: choose another, as `{self._free(name.text)}`"
                    ],
                )
                if existing.definition is None:
                    existing.value = POISON  # which of the two a use means cannot be told
            return
        if entry.kind in FUNCTION_PLACE:
            self.refuse_function_name(entry)
        self.scope.names[name.text] = entry

    def _free(self, name: str) -> str:
        return next(free for i in range(2, 1000) if self.scope.clash(free := f"{name}_{i}") is None)

    def refuse_function_name(self, entry: Entry) -> None:
        for part in NAMED_PARTS:
            if self.shared.catalog.find(part, entry.name.text) is not None:
                self.error(
                    "E0212",
                    f"`{entry.name.text}` is a built-in {part}; {entry.described} cannot have its name",
                    entry.name.span,
                    help=["choose another name: it would not be clear which of the two is meant"],
                )
                return

    def use(self, entry: Entry) -> None:
        self.shared.used.add(id(entry.name))

    # Nodes

    def node(
        self,
        kind: str,
        inputs: Sequence[Operand],
        span: Span,
        *,
        name: str | None = None,
        attrs: Mapping[str, Static | Node] | None = None,
        attr_spans: Mapping[str, Span] | None = None,
        part: str = "function",
        label: str = "",
        type: Type | None = None,
    ) -> Node | Poison:
        """Add a node; numbers among its inputs become constants. Poison where an input is poison."""
        nodes = []
        for operand in inputs:
            input_node = operand.value if isinstance(operand.value, Node) else self.tensor(operand)
            if isinstance(input_node, Poison):
                return POISON
            nodes.append(input_node)
        shared = self.shared
        if len(shared.nodes) >= MAX_NODES:
            self.stop(span, f"this file expands to more than {MAX_NODES:,} values", "use smaller counts")
        node = Node(
            name or self.place.fresh(kind),
            kind,
            attrs or {},
            tuple(nodes),
            span,
            label,
            part,
            tuple([operand.span for operand in inputs]),
            attr_spans or {},
            self.trace,
            type,
        )
        shared.order[id(node)] = len(shared.nodes)
        shared.nodes.append(node)
        return node

    def tensor(self, operand: Operand) -> Node | Poison:
        """The value as a tensor: a number becomes a constant of shape []."""
        value = operand.value
        if isinstance(value, (Node, Poison)):
            return value
        if is_number(value):
            return self.node("constant", (), operand.span, attrs={"value": value})
        if isinstance(value, MultiValue):
            return self.unnamed(value, operand.span)
        if isinstance(value, tuple) and has_poison(value):
            return POISON
        return self.error("E0316", f"a tensor is needed here, but this is {describe(value)}", operand.span)

    def unnamed(self, value: MultiValue, span: Span) -> Poison:
        """Report that a block's several values are used before they have names."""
        names = ", ".join("abcdefgh"[: len(value.nodes)]) if len(value.nodes) <= 8 else "a, b, ..."
        return self.error(
            "E0218",
            f"`{value.block}` returns {len(value.nodes)} values, which need names before they are used",
            span,
            help=[f"`{names} = x -> {span.text if _calls(span.text, value.block) else value.block}`"],
        )


def _calls(text: str, block: str) -> bool:
    """Whether a text is one call of the block, short enough for a message."""
    return text.startswith(f"{block}(") and text.find(")") == len(text) - 1 < 60 and "\n" not in text
