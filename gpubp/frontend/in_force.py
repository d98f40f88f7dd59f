"""Settings of `train` that come from outside the file: of the command line, of a run that goes on."""

from __future__ import annotations

from dataclasses import replace

from dsl.graph import Static, Word

from .identity import written
from .net import Net


def in_force(net: Net, *, epochs: int | None = None, seed: int | None = None, precision: str | None = None) -> Net:
    """The net as if its file said `epochs` (in place of `steps` too), `seed` and `precision`, where they are not None.
    It must have a `train` section."""
    assert net.graph.train is not None
    given = {"epochs": epochs, "seed": seed, "precision": precision}
    told: dict[str, Static] = {
        key: Word(value) if isinstance(value, str) else value
        for key, value in given.items()
        if value is not None and value != net.option(key)
    }
    if not told:
        return net
    options = {**net.graph.train.options, **told}
    if "epochs" in told:
        options["steps"] = None
    graph = replace(net.graph, train=replace(net.graph.train, options=options))
    return replace(net, graph=graph, told={**net.told, **{key: written(value) for key, value in told.items()}})
