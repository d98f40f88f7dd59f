"""The language's catalogue, built from the registry: a file can name whatever is registered."""

from __future__ import annotations

from inspect import Parameter
from typing import Any, cast

from dsl.catalog import REQUIRED, Catalog, Kind, Option, Part, Signature

# Importing these registers what they define.
from .. import data as data
from .. import layers as layers
from .. import optim as optim
from ..registry import ENTRIES, Entry, OptionType
from . import early_stopping as early_stopping
from . import warm_start as warm_start
from .precision import PRECISIONS
from .synonyms import SYNONYMS

_PARTS = (
    *("function", "loss", "metric", "penalty", "optimizer", "schedule", "initializer", "reader", "split", "clip"),
    *("rate", "average", "stop", "start"),
)

TRAIN = (
    Option("loss", ("loss",), doc="the objective to minimise"),
    Option("optimizer", ("choice",), part="optimizer", doc="`sgd(lr = 0.1)`, `adam`, ..."),
    Option("epochs", ("whole",), default=None, minimum=1, doc="number of passes over the training rows"),
    Option("steps", ("whole",), default=None, minimum=1, doc="number of batches, instead of `epochs`"),
    Option(
        "batch",
        ("whole",),
        default=32,
        minimum=1,
        doc="rows per mini-batch; if left out, all rows for full-batch optimizers such as `lbfgs`",
    ),
    Option("metrics", ("metrics",), default=(), doc="what to report besides the loss"),
    Option("seed", ("whole",), default=0, minimum=0, doc="of initial weights, splits, shuffling and dropout"),
    Option(
        "precision",
        ("word",),
        default="float32",
        words=tuple(PRECISIONS),
        doc="`float32`, `float64`; `tf32`: on a GPU, products and convolutions with a 10-bit mantissa",
    ),
    Option("shuffle", ("flag",), default=True, doc="shuffle the rows before each epoch"),
    Option(
        "health",
        ("flag",),
        default=True,
        doc="monitor the magnitudes of activations and gradients, and report problems",
    ),
    Option(
        "schedule",
        ("choice",),
        default=None,
        part="schedule",
        doc="how the learning rate changes: `warmup(200steps, cosine(to = 1%))`, ...",
    ),
    Option(
        "early_stop",
        ("choice",),
        default=None,
        part="stop",
        doc="`early_stop(valid.loss, patience = 3epochs)`: stop early, and restore the best state",
    ),
    Option(
        "clip",
        ("choice",),
        default=None,
        part="clip",
        doc="gradient clipping: `clip_norm(1)` by global norm, `clip_value(0.5)` by value",
    ),
    Option("accumulate", ("whole",), default=1, minimum=1, doc="gradient accumulation: number of batches per update"),
    Option(
        "average",
        ("choice",),
        default=None,
        part="average",
        doc="`ema(0.999)`: evaluate with an exponential moving average of the weights",
    ),
    Option(
        "restarts",
        ("whole",),
        default=1,
        minimum=1,
        doc="random initializations to train side by side; keeps the one with the best validation loss",
    ),
    Option(
        "start",
        ("choice",),
        default=None,
        part="start",
        doc='`load("runs/a", only = [trunk])`: initial weights from a run, for all values or only these',
    ),
    Option("freeze", ("paths",), default=(), doc="values, stages and layers that are not trained"),
    Option(
        "rates",
        ("choices",),
        default=(),
        part="rate",
        doc="`[rate(hidden, 10)]`: learning-rate multipliers for values, stages and layers",
    ),
)
"""The keys of `train`."""


def catalog() -> Catalog:
    """Everything that a file can name in this installation."""
    entries: dict[Part, dict[str, Signature]] = {}
    for (part, name), entry in ENTRIES.items():
        if part in _PARTS:
            entries.setdefault(cast(Part, part), {})[name] = signature_of(entry)
    return Catalog(entries, {option.name: option for option in TRAIN}, SYNONYMS)


def signature_of(entry: Entry) -> Signature:
    options = tuple(_option(name, kind, default) for name, kind, default in entry.options)
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
