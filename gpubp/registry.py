"""One table of everything a `.net` file can name. A definition's keyword-only arguments, with these annotations, are
its schema."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from dsl.records import dataclass

from .errors import GpubpError


@dataclass(frozen=True, slots=True)
class OptionType:
    """What an option takes. Names of kinds are those of the language's catalogue."""

    kinds: tuple[str, ...]
    words: tuple[str, ...] = ()
    part: str | None = None
    minimum: float | None = None


Whole = Annotated[int, OptionType(("whole",))]
Count = Annotated[int, OptionType(("whole",), minimum=1)]
Count0 = Annotated[int, OptionType(("whole",), minimum=0)]
Real = Annotated[float, OptionType(("real",))]
NonNegative = Annotated[float, OptionType(("real",), minimum=0)]
Fraction = Annotated[float, OptionType(("fraction",))]
Multiple = Annotated[float, OptionType(("fraction", "real"), minimum=0)]
"""So many times as much: `10%`, `0.1`, `30`."""
Flag = Annotated[bool, OptionType(("flag",))]
Text = Annotated[str, OptionType(("string",))]
Numbers = Annotated[Any, OptionType(("numbers",))]
Weights = Annotated[Any, OptionType(("word", "numbers"), words=("balanced",))]
"""A number for each class, or a word for those that the data asks for."""
Axis = Annotated[int | None, OptionType(("whole",))]
Label = Annotated[int | None, OptionType(("whole",), minimum=0)]
"""One of the classes, or None."""
MaybeFraction = Annotated[float | None, OptionType(("fraction",))]
Average = Annotated[Any, OptionType(("word",), words=("macro", "micro"))]
Columns = Annotated[Any, OptionType(("names",), words=("rest",))]
"""Columns of a table by name; `rest`: all that no other entry takes."""
Shape = Annotated[Sequence[int], OptionType(("wholes",), minimum=1)]
Duration = Annotated[Any, OptionType(("duration",))]
"""`200steps` or `3epochs`."""
Durations = Annotated[Any, OptionType(("durations",))]
Place = Annotated[str, OptionType(("path",))]
Places = Annotated[Sequence[str], OptionType(("paths",))]
"""Values, stages or layers of the model, for their weights, as dotted names."""
Inner = Annotated[Any, OptionType(("choice",), part="schedule")]
"""Another schedule, or None."""
Sizes = Annotated[Any, OptionType(("whole", "wholes"), minimum=1)]
"""A number for every spatial axis, or one for each."""
Amounts = Annotated[Any, OptionType(("whole", "wholes"), minimum=0)]
Pad = Annotated[Any, OptionType(("word", "whole", "wholes"), words=("same", "valid"), minimum=0)]
Value = Annotated[Any, OptionType(("value",))]
"""A value of the model that goes by name."""
Init = Annotated[Any, OptionType(("choice", "numbers"), part="initializer")]
"""An initializer with its options, or the numbers themselves. A default is written as its name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One definition. `inputs`: names of the values it takes in the language; `options`: name, type and default
    (`inspect.Parameter.empty` where required) of each option.

    `rising`: a metric of which more is better; `table`: one that is no number. `within`: the least and the most number
    that a loss is meant for, of a target that is no label. `full_batch`: an optimizer that compares the gradients of
    one update with those of the next, which are to be of the same rows; `line_search`: one that also compares the
    losses of different weights, which change together; `least_squares`: one that requires a loss that is a sum of
    squares.
    """

    part: str
    name: str
    function: Callable[..., Any]
    inputs: tuple[str, ...]
    variadic: bool
    options: tuple[tuple[str, OptionType, Any], ...]
    static: Callable[..., int | float | bool] | None
    makes_weights: bool
    labels: bool = False
    rising: bool = False
    table: bool = False
    within: tuple[float, float] | None = None
    full_batch: bool = False
    line_search: bool = False
    least_squares: bool = False


_PLAIN: dict[Any, Any] = {int: Whole, float: Real, bool: Flag, str: Text}

ENTRIES: dict[tuple[str, str], Entry] = {}
"""Every definition by (part, name)."""

Function = TypeVar("Function", bound=Callable[..., Any])

# How many leading positional arguments are not values of the language: the context, an optimizer's p and g ...
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HIDDEN = {"function": 1, "loss": 1, "metric": 1, "optimizer": 3}


def register(
    part: str,
    name: str,
    *,
    static: Callable[..., int | float | bool] | None = None,
    makes_weights: bool = False,
    labels: bool = False,
    rising: bool = False,
    table: bool = False,
    within: tuple[float, float] | None = None,
    full_batch: bool = False,
    line_search: bool = False,
    least_squares: bool = False,
) -> Callable[[Function], Function]:
    """Decorator: make a function known to the language as `name`.

    `static` computes an elementwise function for plain numbers; `labels` says that it takes class labels, not only
    numbers; `rising`, that more of a metric is better; `table`, that it is no number, and known at the end only;
    `within`, what numbers of a target a loss is meant for; `full_batch`, that an optimizer wants all rows in every
    update; `line_search`, that it compares the losses of different weights; `least_squares`, that the loss is to be a
    sum of squares. The same function, defined anew, takes its own place. Raises GpubpError where the name is another's
    or none, or an option has no type.
    """

    def enter(function: Function) -> Function:
        if part in _HIDDEN and not _NAME.fullmatch(name):
            raise GpubpError(f"{part} `{name}`: a name has letters, digits and `_`, and begins with a letter")
        before = ENTRIES.get((part, name))
        if before is not None and _place(before.function) != _place(function):
            raise GpubpError(f"{part} `{name}` is defined twice")
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):
            raise GpubpError(f"{part} `{name}` is a Python function, but {function!r} is not") from None
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        hidden = _HIDDEN.get(part, len(positional))
        variadic = part in _HIDDEN and any(p.kind is p.VAR_POSITIONAL for p in parameters)
        inputs = tuple(p.name for p in positional[hidden:])
        given = (p for p in positional[hidden:] if p.default is not p.empty and p.default is not None)
        option = next((p.name for p in given), None)
        if option is not None:
            message = f"{part} `{name}`: `{option}` has a default, so it is an option, and these stand behind `*`"
            raise GpubpError(message)
        named = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        options = tuple((p.name, _type(p, function, f"{part} `{name}`"), p.default) for p in named)
        flags = (labels, rising, table, within, full_batch, line_search, least_squares)
        ENTRIES[part, name] = Entry(part, name, function, inputs, variadic, options, static, makes_weights, *flags)
        return function

    return enter


def _type(parameter: inspect.Parameter, function: Callable[..., Any], named: str) -> OptionType:
    """The type of an option of the function that messages call `named`."""
    hint = parameter.annotation
    if isinstance(hint, str):
        # Only the options' annotations are evaluated: others may name types that are imported for the checker alone.
        try:
            hint = eval(hint, function.__globals__)
        except Exception:  # whatever the text of an annotation may raise
            hint = None
    hint = next((option for plain, option in _PLAIN.items() if plain is hint), hint)
    for extra in getattr(hint, "__metadata__", ()):
        if isinstance(extra, OptionType):
            return extra
    raise GpubpError(
        f"{named}: option `{parameter.name}` needs an annotation of int, float, bool, str or one of gpubp.registry"
    )


def _place(function: object) -> tuple[object, object]:
    """Where a function is defined: a notebook's cell that is run again defines the same one anew."""
    return getattr(function, "__module__", None), getattr(function, "__qualname__", None)


def lookup(part: str, name: str) -> Entry:
    """The definition of `name` in `part`; KeyError where there is none."""
    return ENTRIES[part, name]
