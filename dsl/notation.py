"""How new values of params are written where they come from: what messages show of them, and advise."""

from __future__ import annotations

from collections.abc import Callable

from .records import dataclass
from .source import Source, Span


@dataclass(frozen=True, slots=True)
class Notation:
    """`place`: what messages call the place; `before` stands there before a name, `between` before its value;
    `example`: how to write a value of a name, `key`: how to set a key of `train` instead."""

    place: str
    before: str
    between: str
    example: Callable[[str, str], str]
    key: Callable[[str, str], str]

    def spans(self, name: str, value: str) -> tuple[Span, Span]:
        """Those of a name and of its value, in a source of their own that ends with the value."""
        source = Source(self.place, f"{self.before}{name}{self.between}{value}")
        first, end = len(self.before), len(source.text)
        return Span(source, first, first + len(name)), Span(source, end - len(value), end)


def _literal(text: str) -> str:
    """A value of the language in Python: a number, or else its text between quotes."""
    try:
        float(text)
    except ValueError:
        return f'"{text}"'
    return text


COMMAND_LINE = Notation("command line", "--set ", "=", "--set {}={}".format, "gpubp run FILE --{} {}".format)
PYTHON = Notation(
    "params",
    "",
    " = ",
    lambda name, value: f'params={{"{name}": {_literal(value)}}}',
    lambda name, value: f"gpubp.train(net, {name}={_literal(value)})",
)
