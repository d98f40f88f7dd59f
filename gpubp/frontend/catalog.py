"""The language's catalogue, made from the registry: what is registered is what a file can name."""

from __future__ import annotations

from inspect import Parameter
from typing import Any, cast

from dsl.catalog import REQUIRED, Catalog, Kind, Option, Part, Signature

# Importing these registers what they define.
from .. import data as data
from .. import layers as layers
from .. import optim as optim
from ..registry import ENTRIES, Entry, OptionType
from . import stops as stops
from .elsewhere import ELSEWHERE
from .precision import PRECISIONS

_PARTS = (
    *("function", "loss", "metric", "penalty", "optimizer", "schedule", "initializer", "reader", "split", "clip"),
    *("rate", "average", "stop", "start"),
)

TRAIN = (
    Option("loss", ("loss",)),
    Option("optimizer", ("choice",), part="optimizer"),
    Option("epochs", ("whole",), default=None, minimum=1),
    Option("steps", ("whole",), default=None, minimum=1),
    Option("batch", ("whole",), default=32, minimum=1),
    Option("metrics", ("metrics",), default=()),
    Option("seed", ("whole",), default=0, minimum=0),
    Option("precision", ("word",), default="float32", words=tuple(PRECISIONS)),
    Option("shuffle", ("flag",), default=True),
    Option("health", ("flag",), default=True),
    Option("schedule", ("choice",), default=None, part="schedule"),
    Option("early_stop", ("choice",), default=None, part="stop"),
    Option("clip", ("choice",), default=None, part="clip"),
    Option("accumulate", ("whole",), default=1, minimum=1),
    Option("average", ("choice",), default=None, part="average"),
    Option("restarts", ("whole",), default=1, minimum=1),
    Option("start", ("choice",), default=None, part="start"),
    Option("freeze", ("paths",), default=()),
    Option("rates", ("choices",), default=(), part="rate"),
)
"""The keys of `train`."""


def catalog() -> Catalog:
    """Everything that a file can name in this installation."""
    entries: dict[Part, dict[str, Signature]] = {}
    for (part, name), entry in ENTRIES.items():
        if part in _PARTS:
            entries.setdefault(cast(Part, part), {})[name] = signature_of(entry)
    return Catalog(entries, {option.name: option for option in TRAIN}, ELSEWHERE)


def signature_of(entry: Entry) -> Signature:
    options = tuple(_option(name, kind, default) for name, kind, default in entry.options())
    doc = (entry.function.__doc__ or "").strip()
    return Signature(
        entry.name,
        cast(Part, entry.part),
        entry.inputs,
        entry.variadic,
        options,
        doc,
        entry.static,
        entry.makes_weights,
    )


def _option(name: str, kind: OptionType, default: Any) -> Option:
    return Option(
        name,
        cast("tuple[Kind, ...]", kind.kinds),
        REQUIRED if default is Parameter.empty else default,
        kind.words,
        cast("Part | None", kind.part),
        kind.minimum,
    )
