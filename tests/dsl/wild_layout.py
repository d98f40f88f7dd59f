"""Tokens laid out as wildly as the language allows: blanks, line breaks and comments wherever they may stand."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

COMMENTS = (
    *(
        "#",
        "# plain",
        "#!tight",
        '# "quoted" { [ (',
        "#\ttab\t",
        "# ünï \u2028 \x0c.",
        "# a\rb",
        "# blanks   ",
        "## ->",
    ),
    "# " + "long " * 30,
)
COMPARE = ("==", "!=", "<", "<=", ">", ">=")
BREAK_AFTER = frozenset(("+", "-", "*", "/", "//", "^", *COMPARE, "->", "=", ","))
BREAK_BEFORE = frozenset(("+", "-", "*", "/", "//", "^", *COMPARE, "->", "{", "as", "on", "in", "then", "else"))

# Words that are more than a token.
MINUS = "binary -"
"""A minus between two values, which has blanks on both sides or on neither."""
START = "start of a statement"
OPEN, CLOSE = "{ of a section", "} of a section"


class Layout:
    """One way to lay words out, by chance."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.blanks, self.comments = chance.choice((0.1, 0.5, 0.9)), chance.choice((0, 0.05, 0.3, 0.9))

    def pick(self, *choices: str) -> str:
        return self.chance.choice(choices)

    def often(self, share: float) -> bool:
        return self.chance.random() < share

    def text(self, words: Sequence[str]) -> str:
        text, before, open, tight = "", "", list[str](), False
        for word in (*words, START):
            top = not open or open[-1] == OPEN
            if before == START:
                pass  # it has been parted from what stands before it
            elif word == START and before not in ("", OPEN):
                text += self.gap(lines=True, least="\n")
            elif word in (START, CLOSE) or before == OPEN:
                text += self.gap(lines=True)
            elif MINUS in (word, before):
                tight = self.often(0.3) if word == MINUS else tight
                text += "" if tight else self.gap(lines=True, least=" ")
            else:
                lines = not top or before in BREAK_AFTER or (word in BREAK_BEFORE and before != ".")
                text += self.gap(lines=lines, least=" " if _must_part(text[-1:], word) else "")
            text += {MINUS: "-", OPEN: "{", CLOSE: "}", START: ""}.get(word, word)
            if word in ("(", "[", "{", OPEN):
                open.append(word)
            elif word in (")", "]", "}", CLOSE):
                open.pop()
            before = word
        ends = self.pick("\n", "\n", "\r\n")
        return self.pick("", "", "\ufeff") + text.replace("\n", ends) + self.pick("", "", "# end", "\n\n")

    def gap(self, *, lines: bool, least: str = "") -> str:
        """What stands between two tokens: blanks, line ends and comments where they may; `least` in any case."""
        made = self.pick("", " ", "  ", "\t") if self.often(self.blanks) else ""
        if lines and self.often(self.comments):
            made += self.pick(*COMMENTS) + "\n" + self.pick("", " ", "\n\n")
            while self.often(0.3):
                made += self.pick(*COMMENTS) + "\n" + self.pick("", "\n", "\t")
        elif lines and self.often(self.blanks / 3):
            made += "\n" + self.pick("", "  ", "\n\n\n")
        return made if made.strip(" \t") or (made and least != "\n") else made + least


def _must_part(before: str, after: str) -> bool:
    """Whether two tokens would become one, or another one, without a blank between them."""
    word = before.isalnum() or before in ("_", "%")
    return (word and (after[:1].isalnum() or after[:1] == "_")) or before + after[:1] in ("<-", "//", "->", "--")
