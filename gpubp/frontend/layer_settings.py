"""Per-layer training settings: `freeze` and `rates`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import accumulate

from dsl.diagnostics import Diagnostic, DiagnosticError
from dsl.graph import Choice, LayerGraph, Static
from dsl.records import dataclass
from dsl.source import Span

from .layout import Parameter


@dataclass(frozen=True, slots=True)
class LayerSettings:
    """`frozen`: names of the nodes and parameters that are not trained; `rates`: learning-rate multipliers by
    parameter."""

    frozen: frozenset[str]
    rates: dict[str, float]


def layer_settings(graph: LayerGraph, parameters: Iterable[Parameter]) -> LayerSettings:
    """The file's `freeze` and `rates`. Raises DiagnosticError for a place without weights, for two rates of one place,
    and if nothing is left to train."""
    train = graph.train
    if train is None:
        return LayerSettings(frozenset(), {})
    weights = [p.name for p in parameters]
    weights_in, names_in = _by_place(weights), _by_place((*weights, *(node.name for node in graph.nodes)))
    errors: list[Diagnostic] = []
    frozen_paths = _paths(train.options.get("freeze"))
    errors += [_weightless("freeze", path, graph, weights) for path in frozen_paths if path not in weights_in]
    frozen = {name for path in frozen_paths for name in names_in.get(path, ())}
    factors: dict[str, float] = {}
    chosen = train.options.get("rates") or ()
    assert isinstance(chosen, tuple)
    for rate in chosen:
        assert isinstance(rate, Choice)
        factor = rate.options["factor"]
        assert isinstance(factor, int | float)
        for path in _paths(rate.options["of"]):
            if path in factors:
                errors.append(
                    Diagnostic("E0521", f"`{path}` is given two rates", rate.span, help=("keep one of them",))
                )
            elif path not in weights_in:
                errors.append(_weightless("rates", path, graph, weights))
            factors[path] = float(factor)
    if weights and frozen.issuperset(weights) and not errors:
        help = ("omit what is to be trained",)
        errors.append(Diagnostic("E0521", "nothing is left to train", train.spans.get("freeze"), help=help))
    if errors:
        raise DiagnosticError(*errors)
    # The innermost place takes precedence.
    rates = {name: factors[path] for path in sorted(factors, key=len) for name in weights_in[path]}
    return LayerSettings(frozenset(frozen), rates)


def _paths(value: Static) -> tuple[str, ...]:
    return tuple(str(path) for path in value) if isinstance(value, tuple) else ()


def _by_place(names: Iterable[str]) -> dict[str, list[str]]:
    """The names at or within each place."""
    found: dict[str, list[str]] = {}
    for name in names:
        for place in accumulate(name.split("."), "{}.{}".format):
            found.setdefault(place, []).append(name)
    return found


def _weightless(key: str, path: str, graph: LayerGraph, weights: list[str]) -> Diagnostic:
    assert graph.train is not None
    holders = sorted({name.rpartition(".")[0].partition(".")[0] for name in weights})
    help = (f"the values with weights are {', '.join(f'`{name}`' for name in holders[:12])}",) if holders else ()
    span = graph.train.spans.get(key)
    within = re.search(rf"(?<![\w.]){re.escape(path)}(?![\w.])", span.text) if span else None
    if span and within:
        span = Span(span.source, span.start + within.start(), span.start + within.end())
    stage, _, last = path.rpartition(".")
    beside = [name for name in weights if name.rpartition(".")[0] == stage]
    if beside and all(node.name != path for node in graph.nodes):
        help = (f"it has {' and '.join(f'`{name}`' for name in beside)}",)
        return Diagnostic("E0521", f"`{stage}` has no weight `{last}`", span, help=help)
    return Diagnostic("E0521", f"`{key}` names `{path}`, which has no weights", span, help=help)
