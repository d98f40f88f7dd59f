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
    Option("loss", ("loss",), doc="what to make small"),
    Option("optimizer", ("choice",), part="optimizer", doc="`sgd(lr = 0.1)`, `adam`, ..."),
    Option("epochs", ("whole",), default=None, minimum=1, doc="how often to go through the training rows"),
    Option("steps", ("whole",), default=None, minimum=1, doc="how many batches to take, in place of `epochs`"),
    Option("batch", ("whole",), default=32, minimum=1, doc="rows of a batch, which makes an update"),
    Option("metrics", ("metrics",), default=(), doc="figures to report beside the loss"),
    Option("seed", ("whole",), default=0, minimum=0, doc="of first weights, splits, orders and dropout"),
    Option(
        "precision",
        ("word",),
        default="float32",
        words=tuple(PRECISIONS),
        doc="`float32`, `float64`; `tf32`: on a GPU, products and convolutions with factors of 10 bits",
    ),
    Option("shuffle", ("flag",), default=True, doc="a new order of the rows in each epoch"),
    Option(
        "health",
        ("flag",),
        default=True,
        doc="the sizes of activations and gradients are watched, and what is wrong with them is said",
    ),
    Option(
        "schedule",
        ("choice",),
        default=None,
        part="schedule",
        doc="how the rate of learning goes on: `warmup(200steps, cosine(to = 1%))`, ...",
    ),
    Option(
        "early_stop",
        ("choice",),
        default=None,
        part="stop",
        doc="`early_stop(valid.loss, patience = 3epochs)`: end with the best state so far",
    ),
    Option(
        "clip",
        ("choice",),
        default=None,
        part="clip",
        doc="`clip_norm(1)`: all gradients together no longer than this; `clip_value(0.5)`: each value no larger",
    ),
    Option("accumulate", ("whole",), default=1, minimum=1, doc="batches whose gradients together make an update"),
    Option(
        "average",
        ("choice",),
        default=None,
        part="average",
        doc="`ema(0.999)`: evaluation takes an average of the weights on their way",
    ),
    Option(
        "restarts",
        ("whole",),
        default=1,
        minimum=1,
        doc="so many random starts are trained side by side, the best by its validation loss is kept",
    ),
    Option(
        "start",
        ("choice",),
        default=None,
        part="start",
        doc='`load("runs/a", only = [trunk])`: first weights from a run, of all values or of these',
    ),
    Option("freeze", ("paths",), default=(), doc="values, stages and layers that are not trained"),
    Option(
        "rates",
        ("choices",),
        default=(),
        part="rate",
        doc="`[rate(hidden, 10)]`: factors of the rate of learning for such places",
    ),
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
