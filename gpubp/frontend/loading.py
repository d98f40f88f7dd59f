"""Loading and checking `.net` files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from dsl.catalog import Catalog
from dsl.diagnostics import Diagnostic, DiagnosticError
from dsl.graph import Data, LayerGraph, Type
from dsl.limits import MAX_FINDINGS
from dsl.notation import COMMAND_LINE, PYTHON, Notation
from dsl.reading import read, read_text
from dsl.resolve import resolve
from dsl.source import Source

from ..data import measure
from ..data.batches import optimizer_of
from ..errors import GpubpError, NetError, ShapeError
from ..ir import Var, recording
from ..memory import uncollected
from ..registry import ENTRIES
from .catalog import catalog
from .early_stopping import check_stop
from .initial_values import shape_mismatch
from .layer_errors import shape_diagnostic, sort_diagnostics
from .layer_settings import layer_settings
from .layout import ALIGN, Parameter, arrange
from .least_squares import check_least_squares
from .loss import data_and_penalties, metric_terms
from .lowering import Lowering, unplaced
from .net import Net
from .plateau import check_plateau
from .plugins import load_plugins
from .standalone_source import params_as_text
from .suspicions import Traced, suspicions
from .training_checks import against_lengths, against_optimizer
from .update import check_update


def load(path: str | os.PathLike[str], params: Mapping[str, Any] | None = None) -> Net:
    """Read and check a `.net` file.

    - `params`: values for the file's params, by name: numbers, booleans, lists or arrays of these, or text in the
      language.

    Returns a Net. Raises NetError, with `.diagnostics`, for anything wrong with the file, including a missing or
    non-text file; InputError for values of `params` of another type.

    >>> net = gpubp.load("models/digits.net", params={"hidden": 64})
    >>> net.params["hidden"], net.size
    (64, 4810)
    """
    return _load_file(path, params_as_text(params or {}), PYTHON)


def load_set(path: str | os.PathLike[str], params: Mapping[str, str]) -> Net:
    """`load` for the command line: what is wrong with `params` is shown as `--set` has it."""
    return _load_file(path, params, COMMAND_LINE)


def _load_file(path: str | os.PathLike[str], params: Mapping[str, str], notation: Notation) -> Net:
    name = os.fspath(path)
    try:
        source = read(name)
    except DiagnosticError as error:
        if "\n" not in name or os.path.lexists(name):
            raise NetError(error.diagnostics) from None
        help = ("`gpubp.loads` takes the text itself",)
        message = "`load` takes the path of a file, but this is text"
        raise NetError((Diagnostic("E0401", message, help=help),)) from None
    return _load(source, Path(name).parent, params, notation)


def loads(
    text: str, name: str = "<string>", params: Mapping[str, Any] | None = None, *, base: str | os.PathLike[str] = "."
) -> Net:
    """Check the text of a `.net` file.

    - `name`: what messages call it.
    - `params`: as of `load`.
    - `base`: the folder that data paths in the text are relative to.

    Returns a Net. Raises NetError and InputError as `load` does.

    >>> gpubp.loads("model {\\n  input x: [2]\\n  output p = x -> dense(3) -> softmax\\n}").outputs
    {'p': (3,)}
    """
    return _load(Source(name, text), Path(base), params_as_text(params or {}), PYTHON)


@uncollected()
def _load(source: Source, base: Path, params: Mapping[str, str], notation: Notation) -> Net:
    def sizes(
        data: Data, wanted: Mapping[str, Literal["float", "class"]], targets: frozenset[str]
    ) -> Mapping[str, Type]:
        return measure(data, wanted, base, targets)

    imports: dict[str, str] = {}

    def read_import(path: str) -> str:
        imports[path] = read_text(Path(path))
        return imports[path]

    def resolved() -> tuple[LayerGraph | None, list[Diagnostic]]:
        return resolve(source, current_catalog(), params=params, notation=notation, measure=sizes, read=read_import)

    graph, found = resolved()
    if graph is None:
        try:
            if load_plugins():
                graph, found = resolved()
        except GpubpError as error:
            found = [*found, Diagnostic("W0203", str(error), severity="warning")]
    if graph is None:
        raise NetError(found)
    try:
        return replace(_trace(graph, base, tuple(found)), param_overrides=params, imports=imports)
    except DiagnosticError as error:
        raise NetError((*error.diagnostics, *found)) from error.__cause__


def current_catalog() -> Catalog:
    """The catalogue of all that is registered now."""
    # Layers may have been registered or redefined since the last file was loaded.
    now = tuple(entry.function for entry in ENTRIES.values())
    if now not in _known:
        _known.clear()
        _known[now] = catalog()
    return _known[now]


_known: dict[tuple[object, ...], Catalog] = {}


def _trace(graph: LayerGraph, base: Path, warnings: tuple[Diagnostic, ...]) -> Net:
    """Trace the whole graph once, at a small batch size: finds every parameter, shape and error."""
    with recording() as eqns:
        cx = unplaced(graph, 2, "float32")
        for node in (*graph.inputs, *graph.targets):
            try:
                cx.feed(node)
            except ShapeError as error:
                raise DiagnosticError(shape_diagnostic(cx, node, error)) from None
        terms = _loss_terms(graph, cx)
    parameters = [parameter for parameter, _ in cx.parameters.values()]
    shapes = {node: value.shape[1:] for node, value in cx.values.items() if isinstance(value, Var)}
    if mistakes := sort_diagnostics(graph, _mistakes(graph, cx, parameters)):
        raise DiagnosticError(*mistakes)
    places = layer_settings(graph, parameters)
    errors, split_decay = check_update(graph.train) if graph.train is not None else ([], False)
    if graph.train is not None:
        errors += [*against_lengths(graph.train), *against_optimizer(graph.train)]
    errors += check_least_squares(graph, cx, eqns, terms, places.frozen)
    if errors:
        raise DiagnosticError(*errors)
    optimizer = optimizer_of(graph.train)
    align = 1 if optimizer is not None and optimizer.least_squares else ALIGN
    layout = arrange(parameters, split_decay=split_decay, rates=places.rates, frozen=places.frozen, align=align)
    return Net(
        graph,
        base,
        {name: shapes[node] for name, node in graph.outputs.items()},
        layout,
        {name: buffer for name, (buffer, _) in cx.buffers.items()},
        tuple(cx.fitted),
        (*warnings, *suspicions(Traced(graph, cx, eqns, next(iter(terms), None))))[:MAX_FINDINGS],
        shapes,
        places.frozen,
    )


def _loss_terms(graph: LayerGraph, cx: Lowering) -> tuple[Var, ...]:
    """Trace the whole graph: the loss of each example and the penalties, if the file trains. Raises DiagnosticError
    with every independent error; its cause is the exception of a layer's function."""
    errors: list[DiagnosticError] = []
    train, terms = graph.train, tuple[Var, ...]()
    with _gathered(errors):
        cx.run(graph.all_nodes)
    with _gathered(errors):
        if train is not None and train.loss in cx.values:
            terms = data_and_penalties(graph, cx)
    with _gathered(errors):
        if train is not None:
            metric_terms(graph, cx)
    found = [*(one for error in errors for one in error.diagnostics), *check_stop(graph), *check_plateau(graph)]
    if found:
        cause = next((error.__cause__ for error in errors if error.__cause__ is not None), None)
        raise DiagnosticError(*sort_diagnostics(graph, found)) from cause
    return terms


@contextmanager
def _gathered(errors: list[DiagnosticError]) -> Iterator[None]:
    try:
        yield
    except DiagnosticError as error:
        errors.append(error)


def _mistakes(graph: LayerGraph, cx: Lowering, parameters: Iterable[Parameter]) -> Iterator[Diagnostic]:
    """Outputs that depend on no input, and initial values that do not fit."""
    for name, node in graph.outputs.items():
        if node not in cx.varying:
            help = ("leave `output` out: the loss may still use the value",)
            yield Diagnostic("E0303", f"the output `{name}` depends on no input", node.span, help=help)
    yield from (misfit for parameter in parameters if (misfit := shape_mismatch(parameter)) is not None)
