"""A `.net` file, loaded and checked: everything known of an experiment before a number is computed."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from dsl.catalog import Catalog
from dsl.diagnostics import Diagnostic, DiagnosticError, Label
from dsl.graph import Choice, Data, LayerGraph, Node, Static, Type
from dsl.limits import MOST_FINDINGS
from dsl.reading import read, read_text
from dsl.records import dataclass
from dsl.resolve import resolve
from dsl.source import Source, Span

from ..data import measure
from ..errors import GpubpError, NetError, ShapeError
from ..ir import Aval, Var, recording
from ..registry import ENTRIES
from .catalog import catalog
from .complaints import complaint, in_order
from .initial import unfitting
from .layout import Buffer, Layout, Parameter, arrange
from .loss import data_and_penalties, metric_terms
from .lowering import Lowering
from .places import treatment
from .plateau import check_plateau
from .plugins import load_plugins
from .precision import PRECISIONS
from .resolved import given_as_text
from .stops import check_stop
from .summary import summary
from .suspicions import Traced, suspicions
from .update import check_update


@dataclass(frozen=True, eq=False, repr=False)
class Net:
    """An experiment that passed every check. `outputs`: shape of each output for one example; `layout`: the
    parameters; `buffers`: state that is not trained; `fitted`: layers whose statistics come from the training data;
    `base`: the folder that paths of data start in; `frozen`: names of the nodes and parameters that are not trained;
    `given`: new values of params, as text; `told`: those of keys of `train`; `imports`: the texts of the imported files
    by path."""

    graph: LayerGraph
    base: Path
    outputs: Mapping[str, tuple[int, ...]]
    layout: Layout
    buffers: Mapping[str, Buffer]
    fitted: tuple[Node, ...]
    warnings: tuple[Diagnostic, ...]
    shapes: Mapping[Node, tuple[int, ...]]
    frozen: frozenset[str]
    given: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)
    imports: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Net {self.graph.source.name}: {self.size:,} parameters, outputs {', '.join(self.outputs) or 'none'}>"

    @property
    def params(self) -> dict[str, Static]:
        """The declared params with the values in force."""
        return {name: param.value for name, param in self.graph.params.items()}

    @property
    def precision(self) -> str:
        """What the file asks for, one of PRECISIONS."""
        return str(self.option("precision", "float32"))

    @property
    def dtype(self) -> str:
        """The type of its numbers."""
        return PRECISIONS[self.precision]

    def option(self, key: str, default: Any = None) -> Any:
        """A key of `train`, its default filled in; `default` where the file does not train."""
        if self.graph.train is None:
            return default
        value = self.graph.train.options.get(key, default)
        return value.name if hasattr(value, "name") and not isinstance(value, Choice) else value

    @cached_property
    def size(self) -> int:
        """Number of trained values."""
        return sum(p.size for p in self.layout.parameters.values())

    @property
    def inline(self) -> bool:
        """True where all data stands in the file itself."""
        data = self.graph.data
        return data is not None and all(isinstance(entry.value, tuple) for entry in data.entries)

    def require_training(self, epochs: int | None = None) -> None:
        """Raise NetError where the file lacks what training needs; `epochs` stands in for the file's."""
        section, name = self.graph.train, self.graph.source.name
        if section is None:
            help = "add `train { ... }` with the lines `loss = ...`, `optimizer = adam` and `epochs = 100` in it"
            raise NetError([Diagnostic("E0501", f"`{name}` has no `train` section", help=(help,))])
        if self.graph.data is None:
            names = [f"{node.label}" for node in (*self.graph.inputs, *self.graph.targets)]
            target = f', target = "{names[-1]}"' if len(names) == 2 else ", columns = [...]" * (len(names) > 2)
            table = f'`{", ".join(names)} = csv("table.csv"{target})`'
            rows = ", ".join(f"`{name} = [[0, 1], [1, 0]]`" for name in names)
            help = f"add `data {{ ... }}` with a table in it, {table}, or with rows: {rows}"
            raise NetError([Diagnostic("E0410", f"`{name}` has no `data` section to train on", help=(help,))])
        options = section.options
        if options.get("epochs") is None and options.get("steps") is None and epochs is None:
            help = "`epochs = 100` goes through the data 100 times"
            word = Span(section.span.source, section.span.start, section.span.start + len("train"))
            raise NetError([Diagnostic("E0502", "`train` says neither `epochs` nor `steps`", word, help=(help,))])
        if options.get("epochs") is not None and options.get("steps") is not None:
            labels = (Label(section.spans["epochs"], "so many epochs"),)
            message, span = "`train` says both `epochs` and `steps`", section.spans["steps"]
            raise NetError([Diagnostic("E0502", message, span, "so many steps", labels, help=("keep one of them",))])

    def require_loss(self) -> None:
        """Raise GpubpError where the file has no loss to compute."""
        if self.graph.train is None:
            raise GpubpError("this net has no `train` section: it can predict, but has no loss")

    def summary(self, flops: Mapping[Node, int] | None = None) -> str:
        """A table of the layers: shapes for one example, parameter counts, and the operations that `flops` gives."""
        return summary(self.graph, self.shapes, self.layout, flops)


def load(path: str | os.PathLike[str], params: Mapping[str, Any] | None = None) -> Net:
    """Read and check a `.net` file.

    `params`: new values of params that the file declares, as numbers, words or text of the language. Raises NetError,
    with `.diagnostics`, for anything that is wrong with the file: it is missing, not text, or says what cannot be.
    """
    name = os.fspath(path)
    try:
        source = read(name)
    except DiagnosticError as error:
        raise NetError(error.diagnostics) from None
    return _load(source, Path(name).parent, params or {})


def loads(
    text: str, name: str = "<string>", params: Mapping[str, Any] | None = None, *, base: str | os.PathLike[str] = "."
) -> Net:
    """Check the text of a `.net` file; paths of data in it start in the folder `base`. Raises NetError as `load`
    does."""
    return _load(Source(name, text), Path(base), params or {})


@contextmanager
def _uncollected() -> Iterator[None]:
    """What a net is made of lives as long as the net: to search it for garbage, again and again while it grows, takes a
    third of the time of a large file."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@_uncollected()
def _load(source: Source, base: Path, params: Mapping[str, Any]) -> Net:
    def sizes(data: Data, wanted: Mapping[str, Literal["float", "class"]]) -> Mapping[str, Type]:
        return measure(data, wanted, base)

    imports: dict[str, str] = {}

    def read_import(path: str) -> str:
        imports[path] = read_text(Path(path))
        return imports[path]

    overrides = given_as_text(params)
    graph, found = resolve(source, _catalog(), params=overrides, measure=sizes, read=read_import)
    if graph is None:
        try:
            if load_plugins():
                graph, found = resolve(source, _catalog(), params=overrides, measure=sizes, read=read_import)
        except GpubpError as error:
            found = [*found, Diagnostic("W0203", str(error), severity="warning")]
    if graph is None:
        raise NetError(found)
    try:
        return replace(_trace(graph, base, tuple(found)), given=overrides, imports=imports)
    except DiagnosticError as error:
        raise NetError((*error.diagnostics, *found)) from error.__cause__


def _catalog() -> Catalog:
    # Layers may have been registered since the last file was read.
    if len(ENTRIES) not in _known:
        _known.clear()
        _known[len(ENTRIES)] = catalog()
    return _known[len(ENTRIES)]


_known: dict[int, Catalog] = {}


def _trace(graph: LayerGraph, base: Path, warnings: tuple[Diagnostic, ...]) -> Net:
    """Trace the whole graph once, at a small batch: finds every parameter, shape and mistake."""
    parameters: dict[str, Parameter] = {}
    buffers: dict[str, Buffer] = {}

    def weigh(wanted: Parameter) -> Var:
        parameters[wanted.name] = wanted
        return Var(Aval(wanted.shape, "float32"), wanted.name)

    def store(wanted: Buffer) -> Var:
        buffers[wanted.name] = wanted
        return Var(Aval(wanted.shape, wanted.dtype), wanted.name)

    counter = Var(Aval((), "int64"))
    with recording() as eqns:
        cx = Lowering(graph, 2, "float32", True, weigh, store, counter, counter)
        for node in (*graph.inputs, *graph.targets):
            try:
                cx.feed(node)
            except ShapeError as error:
                raise DiagnosticError(complaint(cx, node, error)) from None
        loss = _loss_of(graph, cx)
    shapes = {node: value.shape[1:] for node, value in cx.values.items() if isinstance(value, Var)}
    constant = [(name, node) for name, node in graph.outputs.items() if node not in cx.varying]
    help = ("leave `output` out: the value may still stand in the loss",)
    message = "the output `{}` depends on no input"
    found = [Diagnostic("E0303", message.format(name), node.span, help=help) for name, node in constant]
    found += [misfit for parameter in parameters.values() if (misfit := unfitting(parameter)) is not None]
    if found:
        raise DiagnosticError(*in_order(graph, found))
    decay, places = 0, treatment(graph, parameters.values())
    if graph.train is not None:
        optimizer = graph.train.options["optimizer"]
        assert isinstance(optimizer, Choice)
        decay = optimizer.options.get("decay", 0)  # type: ignore[assignment]
    layout = arrange(parameters.values(), split_decay=bool(decay), rates=places.rates, frozen=places.frozen)
    if graph.train is not None and (wrong := check_update(graph.train, layout)):
        raise DiagnosticError(*wrong)
    return Net(
        graph,
        base,
        {name: shapes[node] for name, node in graph.outputs.items()},
        layout,
        buffers,
        tuple(cx.fitted),
        (*warnings, *suspicions(Traced(graph, cx, eqns, loss)))[:MOST_FINDINGS],
        shapes,
        places.frozen,
    )


def _loss_of(graph: LayerGraph, cx: Lowering) -> Var | None:
    """Trace the whole graph: the loss of each example, if the file trains. Raises DiagnosticError with every
    independent error; what a layer's function raised is its cause."""
    found: list[Diagnostic] = []
    causes: list[BaseException | None] = []
    train, loss = graph.train, None
    try:
        cx.run((*graph.nodes, *(train.nodes if train is not None else ())))
    except DiagnosticError as error:
        found += error.diagnostics
        causes.append(error.__cause__)
    try:
        if train is not None and train.loss in cx.values:
            loss, _ = data_and_penalties(graph, cx)
    except DiagnosticError as error:
        found += error.diagnostics
    try:
        if train is not None:
            metric_terms(graph, cx)
    except DiagnosticError as error:
        found += error.diagnostics
    found += check_stop(graph)
    found += check_plateau(graph)
    if found:
        raise DiagnosticError(*in_order(graph, found)) from next(iter(causes), None)
    return loss
