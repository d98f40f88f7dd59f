"""Damaged files: the one source of wrong text for the tests, quick and long."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

TOKEN = re.compile(r'"[^"\n]*"|[^\W\d]\w*|[0-9][\w.%]*|->|\.\.|[<>=!]=|//|\S')
NUMBER = re.compile(r"(?<![\w.])[0-9][\w.]*%?")
PART = re.compile(r"\n(?=(?:data|model|train|block|fn)\b)")
NAME = re.compile(r"[^\W\d]\w*")
BRACKET = re.compile(r"[(){}\[\]]")

LONGEST = 4_000
"""Characters of a mutated file; a longer one is cut, so that many are quick. Limits have tests of their own."""

NUMBERS = (
    "0 1 -1 2.5 0.1 1e-3 1e308 1e-308 9223372036854775807 9223372036854775808 2147483647 2147483648 1_000_000_000 1000 "
    "65536 10^10^10 1/0 2^63 2^62 0^(-1) (-8)^0.5 25% 100% 0% 3epochs 200steps 12x 0x10 007 1__0 1. .5 1e 1e999 5e-324 "
    "10^12 1e18 1/3 7//0 -0.0"
).split()

WORDS = (
    "if then else repeat for in as on let param fn block layer input target output model data train import return true "
    "false pi and or not x y p nope relu dense sigmoid softmax mse adam sgd split csv class concat stack one_hot mean "
    "sum log exp sqrt reshape slice flatten dropout same l2 loss epochs weight embed.weight train.loss f()"
).split()

SNIPPETS = (
    *("->", "=", "==", "!=", "<=", "{", "}", "(", ")", "[", "]", ",", ":", "?", "..", ".", "-", " - ", "+", "*", "/"),
    *("//", "^", "<", "\n", " ", "#", '"', "'", "%", "\\", ";", "=>", "**", "&&", "||", "@", "$", "<-", ":=", "//x"),
    *("-> dense(3)", "-> relu", "-> repeat 3 { dense(4) -> tanh }", "-> for i in 1..3 { dense(i) }", "?k", "class(?)"),
    *("class(3)", "[1, 2]", "[]", "[[1], [2, 3]]", "[x]", '"s"', '"../../x"', "[for i in 1..3 { i }]", "x -> ", "as h"),
    *("if 1 == 1 then ", " else x", "\n  layer e = dense(2)\n", "\nlet q = 3\n", "\nparam q = 3 in [1, 2, 3]\n"),
    *("\nfn q(z) = z * 2\n", "\nblock q(n) on x { return x -> dense(n) -> q(n - 1) }\n", "-> q(3)", "\nmodel {\n"),
    *("\nfn q(z) = q(z)\n", "q(2)", '\nimport "blocks.net" as lib\n', '\nimport "/dev/zero" as z\n', "lib.encoder(3)"),
    *("\ndata { x = [[1]] }\n", "\ntrain { loss = 1 }\n", "reshape([2, 2])", "slice(x, 0, 1)", "where(x > 0, x, 0)"),
    *("class(1_000_000_000)", "dense(10^9)", "-> dense(2^31 - 1)", "repeat 10^9 {", "for i in 1..10^9 {", "one_hot(y)"),
)

ODD_CHARACTERS = (
    "\0\1\7\b\t\v\f\r\x1b\x7f\x85\xa0\xad\xe9\u0301\u200b\u202e\u2028"
    "\u2029\u2212\u201c\ufeff\uff08\u4e2d\ud800\U0001f600"
)


def _place(text: str, chance: Random) -> tuple[int, int]:
    """A range, short more often than long."""
    start = chance.randrange(len(text) + 1)
    return start, min(len(text), start + chance.choice((0, 1, 1, 2, 3, 5, 10, 20, 60, 200)))


def _match(pattern: re.Pattern[str], text: str, chance: Random) -> tuple[int, int]:
    """The place of one of a pattern's matches; an empty one at the end where there are none."""
    found = list(pattern.finditer(text))
    return chance.choice(found).span() if found else (len(text), len(text))


def _put(text: str, place: tuple[int, int], new: str) -> str:
    return text[: place[0]] + new + text[place[1] :]


def _piece(chance: Random) -> str:
    return chance.choice(chance.choice((NUMBERS, WORDS, SNIPPETS, SNIPPETS)))


def delete_range(text: str, others: Sequence[str], chance: Random) -> str:
    return _put(text, _place(text, chance), "")


def double_range(text: str, others: Sequence[str], chance: Random) -> str:
    start, end = _place(text, chance)
    return text[:end] + text[start:end] * chance.choice((1, 1, 1, 3, 40)) + text[end:]


def move_range(text: str, others: Sequence[str], chance: Random) -> str:
    start, end = _place(text, chance)
    rest = text[:start] + text[end:]
    to = chance.randrange(len(rest) + 1)
    return rest[:to] + text[start:end] + rest[to:]


def insert_piece(text: str, others: Sequence[str], chance: Random) -> str:
    at = chance.randrange(len(text) + 1)
    return _put(text, (at, at), _piece(chance))


def replace_range(text: str, others: Sequence[str], chance: Random) -> str:
    return _put(text, _place(text, chance), _piece(chance))


def replace_token(text: str, others: Sequence[str], chance: Random) -> str:
    return _put(text, _match(TOKEN, text, chance), _piece(chance))


def delete_token(text: str, others: Sequence[str], chance: Random) -> str:
    return _put(text, _match(TOKEN, text, chance), "")


def double_token(text: str, others: Sequence[str], chance: Random) -> str:
    start, end = _match(TOKEN, text, chance)
    return _put(text, (end, end), chance.choice(("", " ")) + text[start:end])


def copy_token(text: str, others: Sequence[str], chance: Random) -> str:
    """A token takes the place of another, out of this file or another one."""
    source = chance.choice((text, text, chance.choice(others)))
    start, end = _match(TOKEN, source, chance)
    return _put(text, _match(TOKEN, text, chance), source[start:end])


def copy_name(text: str, others: Sequence[str], chance: Random) -> str:
    start, end = _match(NAME, text, chance)
    return _put(text, _match(NAME, text, chance), text[start:end])


def misspell(text: str, others: Sequence[str], chance: Random) -> str:
    start, end = _match(NAME, text, chance)
    at = chance.randrange(start, end + 1)
    return _put(text, (at, min(at + chance.randrange(2), end)), chance.choice(("", "s", "_", "e", "X")))


def replace_number(text: str, others: Sequence[str], chance: Random) -> str:
    return _put(text, _match(NUMBER, text, chance), chance.choice(NUMBERS))


def change_bracket(text: str, others: Sequence[str], chance: Random) -> str:
    new = chance.choice(("", "(", ")", "[", "]", "{", "}", "((", "))", "}}"))
    return _put(text, _match(BRACKET, text, chance), new)


def odd_character(text: str, others: Sequence[str], chance: Random) -> str:
    return _put(text, _place(text, chance), chance.choice(ODD_CHARACTERS) * chance.choice((1, 1, 1, 7)))


def change_lines(text: str, others: Sequence[str], chance: Random) -> str:
    """A line deleted, doubled, moved, joined to the next, divided or taken from another file."""
    lines = text.split("\n")
    at, to = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(6):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[at])
        case 2:
            lines.insert(to, lines.pop(at))
        case 3:
            lines[at : at + 2] = [" ".join(lines[at : at + 2])]
        case 4:
            middle = chance.randrange(len(lines[at]) + 1)
            lines[at : at + 1] = [lines[at][:middle], lines[at][middle:]]
        case _:
            lines.insert(at, chance.choice(chance.choice(others).split("\n")))
    return "\n".join(lines)


def splice(text: str, others: Sequence[str], chance: Random) -> str:
    """The head of this file and the tail of another."""
    other = chance.choice(others)
    return text[: chance.randrange(len(text) + 1)] + other[chance.randrange(len(other) + 1) :]


def nest(text: str, others: Sequence[str], chance: Random) -> str:
    """A token deep inside of brackets, loops or conditions."""
    start, end = _match(TOKEN, text, chance)
    before, after = chance.choice(
        (("(", ")"), ("[", "]"), ("{", "}"), ("f(", ")"), ("-", ""), ("if 1 < 2 then ", " else 0"), ("mean(", ")"),
         ("x -> repeat 2 { ", " }"), ("2^", ""), ("[for i in 1..2 { ", " }]"), ("abs(-", ")"), ("1 + (", ")"))
    )  # fmt: skip
    depth = chance.choice((1, 2, 5, 10, 63, 64, 65, 100, 400))
    return _put(text, (start, end), before * depth + text[start:end] + after * chance.choice((depth, depth, depth - 1)))


KINDS: tuple[Callable[[str, Sequence[str], Random], str], ...] = (
    *(delete_range, double_range, move_range, insert_piece, replace_range, delete_token, double_token, replace_token),
    *(replace_token, copy_token, copy_token, copy_name, copy_name, misspell, replace_number, replace_number),
    *(change_bracket, odd_character, change_lines, change_lines, splice, nest),
)


def parts(text: str) -> list[str]:
    """The sections and declarations of a file, each a text of its own."""
    return [part for part in PART.split(text) if part.strip()]


def mutated(texts: Sequence[str], chance: Random) -> str:
    """One of the texts, damaged once or a few times; the same for the same state of `chance`."""
    text = chance.choice(texts)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 6))):
        text = chance.choice(KINDS)(text, texts, chance)[:LONGEST]
    return text
