"""The names that a `.net` file can use: signatures of layers, losses, optimizers, readers ..., passed in as data.

The language knows no layer by name: the caller of `resolve` passes a catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final, Literal

from .records import dataclass


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = _Required()
"""The default of an option that must be given."""

Part = Literal[
    "function",  # layers, activations and formulas' functions: take values, give a value
    "loss",
    "metric",
    "penalty",  # l1, l2: takes no values, speaks of the weights
    "optimizer",
    "schedule",
    "initializer",
    "reader",
    "split",
    "clip",
    "stop",
    "start",
    "rate",
    "average",
]

Kind = Literal[
    "whole",  # an int
    "real",  # an int or float
    "fraction",  # a number from 0 to 1; `25%` fits here and nowhere else
    "duration",  # `3epochs`, `200steps`
    "flag",  # true, false
    "string",
    "word",  # one of Option.words
    "numbers",  # a list of numbers, nested evenly, or a number: an array
    "wholes",  # a flat list of ints
    "durations",  # a flat list of durations
    "names",  # a flat list of strings and words, nested lists of them too (the columns of a table)
    "choice",  # an entry of the catalogue's part Option.part, with its own options bound
    "choices",  # a flat list of such
    "path",  # a dotted name kept as text: `valid.loss`
    "paths",  # model values, stages or layers for their weights: `[trunk.conv]`; kept as dotted text
    "value",  # a model value: an optional input that goes by name
    "loss",  # an expression over model values, losses and penalties (train's `loss`)
    "metrics",  # a list of calls and values (train's `metrics`)
]


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a signature: `rate: fraction = 0.5`. With several kinds, any of them will do; they are tried in
    order, words first."""

    name: str
    kinds: tuple[Kind, ...]
    default: object = REQUIRED
    words: tuple[str, ...] = ()
    part: Part | None = None
    minimum: float | None = None  # for whole, real, wholes: the least value that is allowed
    doc: str = ""  # of a key of `train`: what it is, for people


@dataclass(frozen=True, slots=True)
class Signature:
    """One entry of the catalogue.

    `inputs` are the values it works on, by name; with `variadic` it takes any number of them (at least one).
    `static`, for elementwise functions, computes it for plain numbers (`sqrt(64)`). `makes_weights` entries may not
    stand in `train`.
    """

    name: str
    part: Part
    inputs: tuple[str, ...] = ()
    variadic: bool = False
    options: tuple[Option, ...] = ()
    doc: str = ""
    static: Callable[..., int | float | bool] | None = None
    makes_weights: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """All signatures by part and name, and the keys of `train` (each an Option, whose kinds say what it takes).

    `elsewhere`: how other tools call layers, losses and options, in small letters without `_`, and what they are called
    here; it serves suggestions only.
    """

    entries: Mapping[Part, Mapping[str, Signature]]
    train: Mapping[str, Option]
    elsewhere: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, part: Part, name: str) -> Signature | None:
        return self.entries.get(part, {}).get(name)
