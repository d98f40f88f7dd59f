"""What readers of tables are told: their options, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, prod
from typing import Annotated, Any

from dsl.graph import Word
from dsl.records import dataclass

from ..registry import OptionType
from ..wording import clipped, counted, listed
from .checks import problem
from .dataset import Request, Want
from .encodings import UTF8, is_encoding
from .notation import ORDERS, PLAIN, SPACES, Notation, fault

OptionalText = Annotated[str | None, OptionType(("string",))]
OptionalShape = Annotated[Sequence[int] | None, OptionType(("wholes",), minimum=1)]
OptionalNames = Annotated[Any, OptionType(("names",))]
Missing = Annotated[Any, OptionType(("word",), words=("error", "drop", "mean", "median"))]
Header = Annotated[Any, OptionType(("word", "flag"), words=("auto",))]
Dates = Annotated[Any, OptionType(("word",), words=ORDERS)]


@dataclass(frozen=True, slots=True)
class Options:
    """What readers of tables are told; the docstring of `csv` says what each means."""

    target: str | None = None
    columns: object = None
    scale: float = 1.0
    reshape: Sequence[int] | None = None
    standardize: bool = False
    missing: str = "error"
    onehot: object = None
    notation: Notation = PLAIN
    encoding: str = UTF8
    delimiter: str | None = None
    without: object = None

    def shaped(self, want: Want, found: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a row of which `found` was read: `reshape`, where that has as many elements."""
        fits = self.reshape is not None and prod(self.reshape) == prod(found)
        return want.settled(tuple(self.reshape) if self.reshape is not None and fits else found)

    def require_reshaped(self, request: Request, found: Mapping[str, tuple[int, ...]]) -> None:
        """Raises DiagnosticError where `reshape` fits no name; `found`: what was read of each, as in `shaped`."""
        if self.reshape is None or not found or prod(self.reshape) in map(prod, found.values()):
            return
        shown = listed([f"{name}: {list(shape)}" for name, shape in found.items()])
        message = f"no name has the {counted(prod(self.reshape), 'element')} that `reshape` wants ({shown})"
        raise problem("E0418", message, request.span("reshape"))


def word(option: object) -> str:
    """An option's word as text; a default is text already."""
    return option.name if isinstance(option, Word) else str(option)


def told_header(option: object) -> bool | None:
    """Whether the first row is said to be a header, None if it is to be found."""
    return None if isinstance(option, (str, Word)) else bool(option)


def texts(option: Any) -> tuple[str, ...]:
    """An option of one or more strings, or none."""
    return (option,) if isinstance(option, str) else tuple(map(str, option or ()))


def check_scale(request: Request, scale: float) -> None:
    """Raises DiagnosticError for a scale that makes nothing of the numbers."""
    if not isfinite(scale) or scale == 0:
        raise problem("E0411", f"`scale` is {scale}; a finite number other than 0 is wanted", request.span("scale"))


def check_encoding(request: Request, encoding: str) -> None:
    """Raises DiagnosticError for what is no name of a text encoding."""
    if not is_encoding(encoding):
        message = f"there is no text encoding `{clipped(encoding)}`"
        raise problem("E0411", message, request.span("encoding"), help='`"utf-8"`, `"cp1252"`, `"latin-1"`, `"utf-16"`')


def notation_of(
    request: Request, decimal: str, thousands: str | None, units: Any, accounting: bool, dates: object
) -> Notation:
    """The notation that a reader is told. Raises DiagnosticError (E0411) for signs that no number is written with."""
    sign = " " if thousands and thousands in SPACES else thousands or ""
    found = Notation(decimal, sign, texts(units), accounting, word(dates))
    if wrong := fault(found):
        option, message, help = wrong
        raise problem("E0411", message, request.span(option), help=help)
    return found
