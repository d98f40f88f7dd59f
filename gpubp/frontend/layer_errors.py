"""Errors from a layer, an operator or a loss, as a diagnostic on the code that caused it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from types import TracebackType

from dsl.diagnostics import Diagnostic, Label
from dsl.graph import Frame, LayerGraph, Node
from dsl.resolve.report import expanded_from
from dsl.resolve.signatures import signature_text

from .. import ops
from ..errors import ShapeError
from ..ir import Aval, Var
from ..registry import ENTRIES, Entry
from .catalog import signature_of
from .fixes import FIXES_CAUSE, working_fixes
from .shape_history import Trace, causes, distinct, history, is_loop, type_text

_MACHINE = (ops.__name__, Aval.__module__.rpartition(".")[0])
"""The packages whose errors are about primitives and batches."""


class LayerFails(ShapeError):
    """The Python function behind a name raised, or returned something that is not a value. `__cause__` is what it
    raised."""

    def __init__(self, message: str, *notes: str, help: str = "") -> None:
        super().__init__(message, help, code="E0307")
        self.notes = notes


class SharedTwice(ShapeError):
    """A shared weight would need a different shape here than at its `first` use."""

    def __init__(self, name: str, first: Node, known: tuple[int, ...], wanted: tuple[int, ...]) -> None:
        super().__init__(
            f"the shared weight `{name}` cannot have the shapes {list(known)} and {list(wanted)}",
            "a `layer` has weights of one shape; a block creates new ones for each use: "
            "`block f() on x { return x -> ... }`",
            label=f"would make it {list(wanted)}",
            code="E0305",
        )
        self.first = first
        self.known = known


def layer_failure(entry: Entry, error: Exception) -> ShapeError:
    """The error raised by `entry`'s function, in the terms of the file; its own message if that is about shapes."""
    frames = list(_frames(error.__traceback__))
    module = frames[-1].tb_frame.f_globals.get("__name__", "")
    primitive = any(module == name or module.startswith(f"{name}.") for name in _MACHINE)
    if isinstance(error, ShapeError) and not primitive:
        return error
    path = getattr(getattr(entry.function, "__code__", None), "co_filename", "")
    own = [one for one in frames if one.tb_frame.f_code.co_filename == path] or frames
    where = f"raised at {own[-1].tb_frame.f_code.co_filename}:{own[-1].tb_lineno}"
    if isinstance(error, ShapeError):
        batch = ", where the batch is the first axis," if entry.part != "optimizer" else ""
        said = f"its function{batch} says: {error}"
        return LayerFails(f"`{entry.name}` fails: shapes do not fit inside its function", said, where)
    said = " ".join(str(error).split())
    # Values have no numbers at load time: they are not NumPy arrays.
    array = isinstance(error, TypeError | AttributeError) and "'Var'" in said
    functions = "`gpubp.ops` has the functions of values: `ops.sin(x)`, `ops.sum_(x, (1,))`, `ops.absolute(x)`"
    help = functions if array else _meant(error)
    return LayerFails(f"`{entry.name}` fails: {type(error).__name__}{f': {said}' if said else ''}", where, help=help)


def _meant(error: Exception) -> str:
    """The help for `ops.abs` and `ops.sum`: the names that begin so, as in `absolute` and `sum_`, or are much alike."""
    if not isinstance(error, AttributeError) or error.obj is not ops:
        return ""
    wrong = str(error.name)
    names = [name for name in ops.__all__ if name.startswith(wrong)] or get_close_matches(wrong, ops.__all__)
    return f"did you mean {' or '.join(f'`ops.{name}`' for name in names[:3])}?" if names else ""


def _frames(traceback: TracebackType | None) -> Iterable[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def shape_diagnostic(cx: Trace, node: Node, error: ShapeError, *, own: bool = False) -> Diagnostic:
    """The diagnostic for an error at `node`; `own`: the node's own shape is wrong, not those of its inputs."""
    span, labels = node.span, (history if own else causes)(node, cx)
    notes = list(expanded_from(node.trace))
    if isinstance(error, SharedTwice):
        here, there = _uses(node.trace, error.first.trace)
        span = here.span if here is not None else span
        if there is not None and there.span != span:
            labels = (Label(there.span, f"made it {list(error.known)}"), *labels)
        labels = distinct(label for label in labels if label.span != span)
    if error.code == "E0309":
        labels = ()  # not about shapes
    if isinstance(error, LayerFails):
        labels = _given(node, cx) if not own else ()
        notes += error.notes
    entry = ENTRIES.get((node.part, node.kind))
    if entry is not None and error.code in ("E0301", "E0306", "E0307") and not own:
        signature = signature_text(signature_of(entry))
        notes += [] if signature.endswith("()") else [signature]
    help = (error.help,) if error.help else () if own else working_fixes(cx, node, error)
    return Diagnostic(
        error.code, str(error), span, error.label, labels=labels, notes=tuple(dict.fromkeys(notes)), help=help
    )


def _given(node: Node, cx: Trace) -> tuple[Label, ...]:
    """The shapes of a function's arguments, as labels on the inputs."""
    pairs = zip(node.inputs, node.input_spans, strict=False)
    return tuple(
        Label(span, type_text(cx, value)) for source, span in pairs if isinstance(value := cx.values.get(source), Var)
    )


def _uses(here: tuple[Frame, ...], there: tuple[Frame, ...]) -> tuple[Frame | None, Frame | None]:
    """Where two traces diverge: the uses of what they share."""
    common = 0
    while common < min(len(here), len(there)) and here[common] == there[common]:
        common += 1
    first, second = (next((f for f in t[common:] if not is_loop(f)), None) for t in (here, there))
    return first, second


def sort_diagnostics(graph: LayerGraph, found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Diagnostics in source order, the main file's first, without duplicates. Errors with the same fix are reported
    once: a metric fails for the same reason as the loss."""
    once: dict[object, Diagnostic] = {}
    remedied: dict[object, Diagnostic] = {}
    for finding in found:
        key = (finding.code, finding.help, tuple(label.span for label in finding.labels))
        elsewhere = any(help.endswith(FIXES_CAUSE) for help in finding.help)
        first = remedied.setdefault(key, finding) if elsewhere else finding
        if first is finding:
            once.setdefault((finding.code, finding.span or finding.message), finding)
    return sorted(
        once.values(),
        key=lambda d: (
            (d.span.source.name != graph.source.name, d.span.source.name, d.span.start, d.span.end)
            if d.span
            else (False, "", -1, -1)
        ),
    )
