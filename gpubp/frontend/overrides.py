"""Overrides of settings: from the command line, a resumed run, or cross-validation."""

from __future__ import annotations

from dataclasses import replace

from dsl.graph import Choice, Data, Static, Word
from dsl.source import Span

from ..errors import positive
from .identity import format_value
from .net import Net
from .program_cache import share_programs


def with_options(
    net: Net,
    *,
    epochs: int | None = None,
    seed: int | None = None,
    precision: str | None = None,
    health: bool | None = None,
) -> Net:
    """The net as if its file said `epochs` (replacing `steps` too), `seed`, `precision` and `health`, where not None.
    The file must have a `train` section. Raises InputError for a seed that is not a whole number from 0."""
    assert net.graph.train is not None
    seed = None if seed is None else positive(seed, "the seed", 0)
    given = {"epochs": epochs, "seed": seed, "precision": precision, "health": health}
    overrides: dict[str, Static] = {
        key: Word(value) if isinstance(value, str) else value
        for key, value in given.items()
        if value is not None and value != net.option(key)
    }
    if not overrides:
        return net
    options = {**net.graph.train.options, **overrides}
    if "epochs" in overrides:
        options["steps"] = None
    graph = replace(net.graph, train=replace(net.graph.train, options=options))
    words = {key: format_value(value) for key, value in overrides.items()}
    return share_programs(net, replace(net, graph=graph, option_overrides={**net.option_overrides, **words}))


def with_fold(net: Net, fold: int, folds: int, stratify: str | None = None) -> Net:
    """The net as if the `split` of its file held out fold number `fold` of `folds` for validation, replacing any folds
    of its own; stratified by the name `stratify` if not None."""
    data = net.graph.data
    head = Span(net.graph.source, 0, 0)
    if data is None:
        data = Data((), None, head)
    elif data.entries:
        head = Span(data.span.source, data.span.start, data.span.start + len("data"))
    split = data.split or Choice("split", {}, head)
    by = {} if stratify is None else {"stratify": stratify}
    split = replace(split, options={**split.options, **by, "folds": folds, "fold": fold})
    graph = replace(net.graph, data=replace(data, split=split))
    return share_programs(net, replace(net, graph=graph, split=format_value(split)))
