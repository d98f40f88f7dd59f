"""The scanner: a single pass, independent of the grammar, that never fails and reports what is not a token.

Tokens are Lark's, with the names of `net.lark`. Blanks and comments are left out; `Tokens.breaks` remembers where
lines end. A keyword that names an argument (`target = "y"`) or a part of a dotted path (`train.loss`) is a NAME here
already, so that the parser meets keywords only as keywords.
"""

from __future__ import annotations

import math
import re
from dataclasses import field, replace

from lark import Token

from .commas import ends_statement
from .diagnostics import Diagnostic
from .limits import MAX_WHOLE
from .records import dataclass
from .source import Source, Span
from .strays import foreign_comment, read_as, stray
from .wording import short

KEYWORDS = frozenset(
    "import as param in let fn block on return data model train input target output layer if then else repeat "
    "for".split()
)
SIGNS = {
    "->": "_ARROW", "..": "_RANGE", ".": "_DOT", "=": "_EQUAL", ":": "_COLON", ",": "_COMMA", "?": "_QUERY",
    "(": "_LPAR", ")": "_RPAR", "[": "_LSQB", "]": "_RSQB", "{": "_LBRACE", "}": "_RBRACE",
    "+": "PLUS", "-": "MINUS", "*": "TIMES", "/": "TIMES", "//": "TIMES", "^": "POWER",
    "==": "COMPARE", "!=": "COMPARE", "<=": "COMPARE", ">=": "COMPARE", "<": "COMPARE", ">": "COMPARE",
}  # fmt: skip
WORDS = {"true": "TRUTH", "false": "TRUTH", "pi": "PI", "and": "AND", "or": "OR", "not": "NOT"}
WORDS.update({word: f"_K_{word.upper()}" for word in KEYWORDS})
ERROR = "ERROR"
_ROWS = "rows of a matrix are lists of their own: `[[0, 1], [1, 1]]`"
"""The type of text that is not a token; it has been reported."""

MAX_ERRORS = 200
"""After this many errors of one kind, reading stops: the text is no `.net` file."""

_TOKEN = re.compile(
    r"""
      (?P<space>  [ \t]++ | \#[^\n]*+ )
    | (?P<line>   \r?\n )
    | (?P<word>   [^\W\d]\w*+ )
    | (?P<number> [0-9]++(?:_[0-9]+)*+ (?:\.[0-9]++(?:_[0-9]+)*+)? (?:[eE][+-]?[0-9]++)?
                  (?:%|[A-Za-z_][A-Za-z0-9_]*+)? [\w%]*+ )
    | (?P<string> "(?:[^"\\\r\n]|\\[^\r\n])*+" )
    | (?P<sign>   ->(?!>) | \.\. | (?:==|!=|<=|>=)(?!=) | // | \*(?!\*) | =(?![>=]) | <(?!-)
                  | [-+/^>(){}\[\],:?] | \.(?![0-9]) )
    """,
    re.VERBOSE,
)
_NUMBER = re.compile(
    r"([0-9]++(?:_[0-9]+)*+)((?:\.[0-9]++(?:_[0-9]+)*+)?(?:[eE][+-]?[0-9]++)?)(%|[A-Za-z_][A-Za-z0-9_]*+)?"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(.)")
_TWICE, _ONCE = ("\\\\", "/"), ("\\", "/")
_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}


@dataclass
class Tokens:
    """`breaks[i]`: a line ends between the tokens `i - 1` and `i`. `errors`: findings with the index of their token;
    `slips`: findings about text that was read as what it must have meant: `=>`, `'text'`, comments of other languages.
    """

    source: Source
    all: list[Token] = field(default_factory=list)
    breaks: list[bool] = field(default_factory=list)
    errors: list[tuple[int, Diagnostic]] = field(default_factory=list)
    slips: list[Diagnostic] = field(default_factory=list)

    def span(self, first: int, last: int | None = None) -> Span:
        """The text from token `first` to token `last`, both included; past the end the empty place after the last."""
        if first >= len(self.all):
            end = self.all[-1].end_pos or 0 if self.all else 0
            return Span(self.source, end, end)
        last_token = self.all[first if last is None else min(last, len(self.all) - 1)]
        return Span(self.source, self.all[first].start_pos or 0, last_token.end_pos or 0)

    def kind(self, index: int) -> str:
        """The type of a token, "" outside the file."""
        return self.all[index].type if 0 <= index < len(self.all) else ""

    def adjacent(self, index: int) -> bool:
        """Whether nothing separates this token from the one before it."""
        return index > 0 and self.all[index].start_pos == self.all[index - 1].end_pos


def number_value(text: str) -> tuple[int | float, str] | None:
    """Value and unit of a number's text; None where the text is no number. Too large gives an infinite float."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    integer, fraction, unit = match[1], match[2], match[3] or ""
    if fraction:
        return float(integer + fraction), unit
    digits = integer.replace("_", "").lstrip("0")
    if len(digits) > 19 or int(digits or "0") > MAX_WHOLE:
        return math.inf, unit
    return int(digits or "0"), unit


def string_value(text: str) -> str:
    """The characters of a string literal (with its quotes), escapes resolved."""
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[0]), text[1:-1])


def scan(source: Source, start: int = 0) -> Tokens:
    """All tokens of a text from `start` on, in one pass whose time is linear in its length."""
    scanner = _Scanner(source, start)
    scanner.run()
    _free_words(scanner.tokens)
    return scanner.tokens


class _Scanner:
    """The state of a scan: the place in the text, whether a line ended since the last token, the brackets open here,
    where the last error ended."""

    def __init__(self, source: Source, start: int) -> None:
        self.source, self.tokens = source, Tokens(source)
        self.position, self.broken = max(start, source.text.startswith("\ufeff")), False
        self.open: list[str] = []
        self.told = 0

    def run(self) -> None:
        text, tokens = self.source.text, self.tokens
        while self.position < len(text) and max(len(tokens.errors), len(tokens.slips)) < MAX_ERRORS:
            start, match = self.position, _TOKEN.match(text, self.position)
            group, self.position = (match.lastgroup, match.end()) if match else (ERROR, start + 1)
            if group == "space":
                continue
            if group == "line":
                self.broken = True
                continue
            value = text[start : self.position]
            if group == ERROR or (group == "word" and not value.isascii()):
                self._stray(start)
            elif group == "word":
                self._add(WORDS.get(value, "NAME"), value, start)
            elif group == "sign":
                self._sign(value, start)
            else:
                wrong = (_check_number if group == "number" else _check_string)(self.source, start, self.position)
                if wrong:
                    tokens.errors.append((len(tokens.all), wrong))
                self._add(ERROR if wrong else "NUMBER" if group == "number" else "STRING", value, start)

    def _add(self, kind: str, value: str, start: int) -> None:
        self.tokens.all.append(Token(kind, value, start_pos=start, end_pos=self.position))
        self.tokens.breaks.append(self.broken)
        self.broken = False

    def _stray(self, start: int) -> None:
        """Text that is no token: read as what it can only have meant, or else an error."""
        comment = foreign_comment(self.source, start, "") if self.source.text[start] == "%" else None
        if comment:
            slip, self.position = comment
            self.tokens.slips.append(slip)
            return
        found = stray(self.source, start, self.position, self.told)
        self.position = self.told = found.span.end if found.span else self.position
        written = self.source.text[start : self.position]
        meant = read_as(written)
        if written == ";" and self._in_list():
            meant, found = ",", replace(found, message="`;` does not separate items", help=("write `,`", _ROWS))
        if meant is None:
            self.tokens.errors.append((len(self.tokens.all), found))
            self._add(ERROR, written, start)
            return
        self.tokens.slips.append(found)
        self.broken = self.broken or written == ";"
        if meant.strip():
            self._add(SIGNS.get(meant, "STRING"), meant, start)

    def _sign(self, value: str, start: int) -> None:
        tokens = self.tokens
        comment = foreign_comment(self.source, start, tokens.kind(len(tokens.all) - 1)) if value[0] == "/" else None
        if comment:
            found, self.position = comment
            tokens.slips.append(found)
        elif value == "," and not self._in_list() and ends_statement(self.source.text, start):
            place, remedy = Span(self.source, start, self.position), "delete it: a statement ends with its line"
            tokens.slips.append(Diagnostic("E0104", "`,` has no meaning after a statement", place, help=(remedy,)))
        else:
            self._add(SIGNS[value], value, start)
            if value in "({[":
                self.open.append(value)
            elif value == "}" and "{" in self.open:
                while self.open.pop() != "{":
                    pass
            elif self.open and self.open[-1] + value in ("()", "[]"):
                self.open.pop()

    def _in_list(self) -> bool:
        """Whether the innermost open bracket holds items: it is no brace."""
        return bool(self.open) and self.open[-1] != "{"


def _free_words(tokens: Tokens) -> None:
    """Turn keywords into names where they name an argument or are part of a dotted path."""
    calls: list[bool] = []  # for each open bracket: is it the parenthesis of a call
    everything = tokens.all
    for index, token in enumerate(everything):
        kind = token.type
        if kind in ("_LPAR", "_LSQB", "_LBRACE"):
            calls.append(
                kind == "_LPAR"
                and tokens.kind(index - 1) == "NAME"
                and tokens.kind(index - 2) not in ("_K_FN", "_K_BLOCK")
            )
        elif kind in ("_RPAR", "_RSQB", "_RBRACE"):
            if calls:
                calls.pop()
        elif kind.startswith("_K_"):
            before, after = tokens.kind(index - 1), tokens.kind(index + 1)
            names_argument = bool(calls) and calls[-1] and before in ("_LPAR", "_COMMA") and after == "_EQUAL"
            if names_argument or before == "_DOT" or after == "_DOT":
                everything[index] = Token("NAME", str(token), start_pos=token.start_pos, end_pos=token.end_pos)


def _check_number(source: Source, start: int, end: int) -> Diagnostic | None:
    text, span = source.text[start:end], Span(source, start, end)
    parsed = number_value(text)
    if parsed is None:
        sound = _NUMBER.match(text)
        excess = Span(source, start + sound.end(), end) if sound else span
        return Diagnostic("E0107", f"`{short(text)}` is not a number", excess, "does not belong to a number")
    value, unit = parsed
    if unit.startswith("_") or "__" in unit:
        return Diagnostic(
            "E0107", f"`{short(text)}` is not a number", span, help=("`_` stands between two digits, as in `20_000`",)
        )
    if math.isinf(value):
        digits = text.removesuffix(unit).replace("_", "")
        if not digits.isdigit() or math.isinf(float(digits)):
            return Diagnostic("E0107", "this number is too large", span, "the limit is 1.8e308")
        remedy = f"a number with an exponent or a point may be larger: `{float(digits):g}`"
        return Diagnostic("E0107", "this number is too large", span, "whole numbers end at 9.2e18", help=(remedy,))
    if value == 0 and any(digit in "123456789" for digit in re.split("[eE]", text)[0]):
        return Diagnostic("E0107", "this number is too small", span, "would be taken for 0")
    return None


def _check_string(source: Source, start: int, end: int) -> Diagnostic | None:
    text = source.text[start:end]
    lone = _SURROGATE.search(source.text, start, end)
    if lone:  # no file holds one, and no path may: it is not UTF-8 text
        message = f"the character U+{ord(lone[0]):04X} has no meaning here"
        return Diagnostic("E0104", message, Span(source, *lone.span()))
    for match in _ESCAPE.finditer(source.text, start, end):
        if match[1] not in _ESCAPES:
            path = "" if '\\"' in text else f": `{short(text.replace(*_TWICE).replace(*_ONCE), 60)}`"
            remedy = f'paths use `/`{path}; the escapes are `\\"`, `\\\\`, `\\n` and `\\t`'
            return Diagnostic("E0106", f"unknown escape `{match[0]}`", Span(source, *match.span()), help=(remedy,))
    return None
