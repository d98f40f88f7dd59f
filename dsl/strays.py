"""Text that is not a token, and what was probably meant."""

from __future__ import annotations

import re
import unicodedata

from .diagnostics import Diagnostic, Label
from .source import Source, Span
from .wording import short

_MEANT = {
    "=>": "a value is passed on with `->`",
    "->>": "a value is passed on with `->`",
    "~>": "a value is passed on with `->`",
    "|>": "a value is passed on with `->`",
    "|": "a value is passed on with `->`",
    "<-": "a value is given with `=`; a comparison with a negative number needs a space: `a < -b`",
    "\u2192": "a value is passed on with `->`",
    "\u21d2": "a value is passed on with `->`",
    "**": "a power is `^`: `x^2`",
    "===": "to compare write `==`",
    "!==": "to compare write `!=`",
    "&&": "there is no `and`: `if a then b else false`",
    "||": "there is no `or`: `if a then true else b`",
    "!": "there is no `not`: `if a then false else true`",
    "~": "there is no `not`: `if a then false else true`",
    ";": "a statement ends with its line",
    "'": 'strings need double quotes: `"..."`',
    "`": 'strings need double quotes: `"..."`',
    "\u201c": 'strings need straight double quotes: `"..."`',
    "\u201d": 'strings need straight double quotes: `"..."`',
    "\u2018": 'strings need straight double quotes: `"..."`',
    "\u2019": 'strings need straight double quotes: `"..."`',
    "\u2212": "a minus is `-`",
    "\u2013": "a minus is `-`",
    "\u2014": "a minus is `-`",
    "\u00d7": "a product is `*`",
    "\u00b7": "a product is `*`",
    "\u00f7": "a quotient is `/`",
    "\u2264": "write `<=`",
    "\u2265": "write `>=`",
    "\u2260": "write `!=`",
    "\u00a0": "write an ordinary space",
    "\u200b": "delete it: it cannot be seen",
    "\ufeff": "delete it: a byte order mark stands at the start of a file only",
    "%": "the unit `%` is glued to its number: `25%`",
    "@": "a matrix product is `matmul(a, b)`; weights are applied by a layer: `x -> dense(8)`",
    "\\": "a statement goes on in the next line by itself where the line ends with an operator; paths use `/`",
    "\r": "a line ends with a line feed, with or without a carriage return before it",
}
QUOTES = "strings need double quotes"
_LONGEST = max(map(len, _MEANT))
_READ_AS = {
    **dict.fromkeys(("=>", "->>", "~>", "|>", "|", "\u2192", "\u21d2"), "->"),
    **dict.fromkeys(("\u2212", "\u2013", "\u2014"), "-"),
    **dict.fromkeys(("\u00d7", "\u00b7"), "*"),
    "**": "^",
    "===": "==",
    "!==": "!=",
    "\u00f7": "/",
    "\u2264": "<=",
    "\u2265": ">=",
    "\u2260": "!=",
    **dict.fromkeys((";", "\u00a0", "\u3000", "\u200b", "\ufeff"), ""),
}
"""The token that an invalid text can only have been meant as, "" for none at all; scanning continues with it."""
_RUN = re.compile(r"[^\s\w\"#(){}\[\],:.?+\-*/^=<>]+|[^\S \t\r\n]+|\r+")
_QUOTED = re.compile("'[^'\"\r\n]*+'|\u2018[^\u2019\"\r\n]*+\u2019|\u201c[^\u201d\"\r\n]*+\u201d")
_RAN_ON = re.compile(r'("[^"\n,)\]]+)[,)\]][^"\n]*"(?=\w)')
"""A string without its end quote that extends to the start of the next: `"a.csv, target = "y`."""
_NOT_OPENED = re.compile(r'(?:[^"\n]*[\s(\[,=])?+([\w./-]++")')
"""The first quote of a line, right behind a word: `csv(data/a.csv", target = "y")`."""
_BEFORE_REST = re.compile(r'"[^\s"(),\]]+(?=[,)\]]|[ \t]+as\b)')
"""A path that lacks its quote, with what goes on behind it: `"blocks.net as lib`, `"a.csv)`."""
_TRANSPOSED = re.compile(r"[)\]]\Z|\w\w\Z|(?<!\w)[^\W_bfruBFRU]\Z")
"""What a `'` behind it transposes: not `r`, for `r'text'` is a string of Python."""
_SPELLED = {"\u00df": "ss", "\u00e6": "ae", "\u0153": "oe", "\u00f8": "o", "\u0131": "i", "\u0142": "l"}
_POWERS = {"\u00b2": "2", "\u00b3": "3"}


_COMMENT = re.compile(r"/\*(?:[^*]|\*(?!/))*+(?:\*/)?|(?://|%)[^\n]*+")
_GOES_ON = r"[ \t]++(?!(?:as|in|on|then|else)\b)"
_PROSE = re.compile(rf"//[ \t]*+[^\W\d]\w*+{_GOES_ON}[^\W\d]|%[ \t]*+\w++{_GOES_ON}\w")
_BEFORE_OPERATOR = frozenset({"NAME", "NUMBER", "STRING", "TRUTH", "PI", "_RPAR", "_RSQB"})


def foreign_comment(source: Source, start: int, before: str) -> tuple[Diagnostic, int] | None:
    """The finding for a comment as other languages write it, and where it ends; None for a quotient.

    `before` is the type of the token before it. `//` also divides, after a value, and `%` is a unit, but not where a
    line begins; two words in a row are prose.
    """
    comment = _COMMENT.match(source.text, start)
    if comment is None:
        return None
    written = comment[0]
    sign = "%" if written[0] == "%" else written[:2]
    if sign == "%":
        value = bool(source.text[source.text.rfind("\n", 0, start) + 1 : start].strip())
    else:
        value = sign == "//" and before in _BEFORE_OPERATOR
    if value and not _PROSE.match(written):
        return None
    prose = " ".join(written.strip("/*% \t\r\n").split())
    remedy = f"a comment begins with `#`: `# {short(prose, 60)}`" if prose else "a comment begins with `#`"
    place = Span(source, start, start + len(sign))
    labels: tuple[Label, ...] = ()
    if "\n" in written:
        remedy = "every line of a comment begins with `#`"
        labels = (Label(Span(source, comment.end() - 2, comment.end()), "and this does not end one"),)
    message = f"`{sign}` does not start a comment"
    return Diagnostic("E0104", message, place, labels=labels, help=(remedy,)), comment.end()


def read_as(written: str) -> str | None:
    """The replacement of invalid text if it is unambiguous: a symbol, a string in double quotes, or nothing."""
    if len(written) > 1 and _QUOTED.fullmatch(written):
        return f'"{written[1:-1]}"' if "\\" not in written else None
    plain = _READ_AS.get(written)
    return _narrow(written) if plain is None and not written.isalnum() else plain


def _narrow(written: str) -> str | None:
    """The ASCII of full-width characters, None for others."""
    plain = unicodedata.normalize("NFKC", written)
    return plain if plain != written and plain.isascii() and "/" not in plain else None


def stray(source: Source, start: int, end: int, told: int) -> Diagnostic:
    """The error for text at `start` that is not a token; `end`: the end of a word with non-ASCII letters; `told`: where
    the last error ended."""
    text = source.text
    if end - start > 1 or text[start].isalnum():
        return _word(Span(source, start, end))
    if text[start] == '"':
        return _open_string(source, start, told)
    if text[start] == "'" and _TRANSPOSED.search(text, max(0, start - 2), start):
        remedy = "`transpose(a)` is the transpose of a value; a column of rows is written `[[0], [1]]`"
        return Diagnostic("E0104", "`'` does not transpose", Span(source, start, start + 1), help=(remedy,))
    quoted = _QUOTED.match(text, start)
    if quoted:
        span = Span(source, *quoted.span())
        written = short(span.text[1:-1])
        return Diagnostic("E0104", QUOTES, span, help=(f'`"{written}"`',))
    if text[start] == ".":
        digits = re.compile(r"\.[0-9]+").match(text, start)
        if digits:
            span = Span(source, start, digits.end())
            before = text[start - 1 : start]
            number = re.search(r"[0-9][0-9_.]*\Z", text[max(0, start - 40) : start])
            if number:
                whole = Span(source, start - len(number[0]), digits.end())
                remedy = f"one point separates the fraction: `{short(number[0])}`"
                return Diagnostic("E0107", "a number has at most one decimal point", whole, help=(remedy,))
            if before and (before.isalnum() or before in "._"):
                return Diagnostic("E0107", "a number cannot follow a name and a dot", span)
            return Diagnostic("E0107", "a number starts with a digit", span, help=(f"`0{short(span.text)}`",))
    for length in range(_LONGEST, 0, -1):
        written = text[start : start + length]
        if len(written) == length and written in _MEANT:
            run = re.compile(f"(?:{re.escape(written)})++").match(text, start)  # `\r\r\r` is one finding
            return _character(Span(source, start, run.end() if run else start + length), _MEANT[written])
    narrow = _narrow(text[start])
    if narrow:
        return _character(Span(source, start, start + 1), f"write `{narrow}`" if narrow.strip() else "write a space")
    run = _RUN.match(text, start)
    return _character(Span(source, start, run.end() if run else start + 1), "")


def _word(span: Span) -> Diagnostic:
    remedy = "names consist of the letters a to z and A to Z, digits and `_`"
    if span.text[-1] in _POWERS and span.text[:-1].isascii():
        remedy = f"a power is `^`: `{span.text[:-1]}^{_POWERS[span.text[-1]]}`"
    elif narrow := _narrow(span.text):
        remedy = f"write `{short(narrow)}`"
    elif latin := _latin(span.text):
        remedy = f"write `{short(latin)}`: {remedy}"
    return Diagnostic("E0104", f"`{short(span.text)}` is not a name", span, help=(remedy,))


def _latin(word: str) -> str:
    """A name without accents, Greek letters spelled out; "" if other letters remain."""
    letters = "".join(_SPELLED.get(letter, letter) for letter in word)
    plain = "".join(each for each in unicodedata.normalize("NFKD", letters) if not unicodedata.combining(each))
    if not plain.isascii():
        names = [unicodedata.name(each, "").lower().split() for each in plain]
        greek = [each if each.isascii() else name[-1] for each, name in zip(plain, names) if name[:1] == ["greek"]]
        plain = greek[0].replace("lamda", "lambda") if len(greek) == len(plain) == 1 else ""
    return plain if plain.isidentifier() and plain.isascii() else ""


def _open_string(source: Source, start: int, told: int) -> Diagnostic:
    """An unterminated string: the last of its line, or one that extends to the start of the next. If an earlier quote
    is the mistake, the error lies before `start`, and what follows it is read again, once."""
    line_start = source.text.rfind("\n", 0, start) + 1
    ran_on = _RAN_ON.search(source.text, line_start, start)
    if ran_on and ran_on.end(1) > told:
        remedy = f'close it: `{short(ran_on[1], 60)}"`'
        return Diagnostic("E0105", "this string is not closed", Span(source, *ran_on.span(1)), help=(remedy,))
    line_end = source.text.find("\n", start)
    not_opened = _NOT_OPENED.match(source.text, line_start, line_end if line_end >= 0 else len(source.text))
    if not_opened and not_opened.end() > told:
        remedy = f'open it: `"{short(not_opened[1], 60)}`'
        return Diagnostic(
            "E0105", "this string has no quote before it", Span(source, *not_opened.span(1)), help=(remedy,)
        )
    end = len(source.text) if line_end < 0 else line_end
    rest = source.text[start:end].rstrip()
    path = _BEFORE_REST.match(rest)
    written = path[0] if path else rest
    remedy = f'close it: `{short(written, 60)}"`' if len(written) > 1 else 'close it with `"` in the same line'
    return Diagnostic("E0105", "this string is not closed", Span(source, start, start + len(written)), help=(remedy,))


def _character(span: Span, remedy: str) -> Diagnostic:
    text = span.text
    if len(text) == 1 and not (text.isprintable() and not text.isspace()):
        name = unicodedata.name(text, "").lower()
        what = f"the character U+{ord(text):04X}" + (f" ({name})" if name else "")
        remedy = remedy or "delete it: it cannot be seen"
    elif text.isprintable():
        what = f"`{short(text)}`"
    else:
        what = "text that is not printable"
    return Diagnostic("E0104", f"{what} has no meaning here", span, help=(remedy,) if remedy else ())
