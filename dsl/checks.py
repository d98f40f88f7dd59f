"""What the tokens of a statement tell before any grammar: spaces around a minus, missing commas, words out of place."""

from __future__ import annotations

from collections.abc import Callable

from .brackets import CLOSERS, OPENERS
from .diagnostics import Diagnostic, Label
from .layout import STATEMENT_WORDS, UNKNOWN, VALUE_END, Item
from .tokens import Tokens
from .wording import nearest, reserved, short

_VALUE_START = frozenset({"NAME", "NUMBER", "STRING", "TRUTH", "PI", "_K_IF"})
_ALLOWED = {
    "": ("import", "param", "let", "fn", "block", "data", "model", "train"),
    "_K_DATA": (),
    "_K_MODEL": ("input", "target", "output", "layer"),
    "_K_BLOCK": ("layer", "return"),
    "_K_TRAIN": (),
}
_LOGIC = {
    "AND": ("and", "if a then b else false"),
    "OR": ("or", "if a then true else b"),
    "NOT": ("not", "if a then false else true"),
}
Verify = Callable[[str], bool]
"""Does a text stand as an expression?"""


def check(tokens: Tokens, item: Item, verify: Verify) -> Diagnostic | None:
    """The first finding in a statement (in the head of a section), if there is one."""
    return _check_start(tokens, item) or _Walk(tokens, item, verify).run()


def _check_start(tokens: Tokens, item: Item) -> Diagnostic | None:
    first = item.first
    kind, following, word = tokens.kind(first), tokens.kind(first + 1), str(tokens.all[first])
    section = item.section.removeprefix("_K_").lower()
    allowed = _ALLOWED.get(item.section, ())
    if kind in ("_K_FOR", "_K_REPEAT"):
        return Diagnostic(
            "E0119",
            f"`{word}` repeats stages of a pipe; a name is assigned once",
            tokens.span(first),
            "cannot begin a statement",
            help=(
                (
                    "what accumulates is the value that flows: `block grow() on x { return concat(x, ...) }`, "
                    "then `x -> repeat n { grow }`"
                ),
            ),
        )
    if item.headless(tokens):
        return Diagnostic("E0125", f"`{{` is missing after `{word}`", tokens.span(first), help=(f"`{word} {{ ... }}`",))
    if kind in STATEMENT_WORDS and word not in allowed and item.section != UNKNOWN:
        if following in ("_EQUAL", "_COMMA", "_COLON"):
            return reserved(tokens.span(first))
        return _misplaced(tokens, first, section)
    if kind == "NAME":
        if (not section and following != "_LBRACE") or (following == "NAME" and not tokens.breaks[first + 1]):
            return _no_statement(tokens, first, section, allowed)
        if not section:
            guess = "" if item.heads == UNKNOWN else item.heads.removeprefix("_K_").lower()
            remedy = f"did you mean `{guess}`?" if guess else "the sections are `data`, `model` and `train`"
            return Diagnostic("E0121", f"there is no section `{word}`", tokens.span(first), help=(remedy,))
    if first > 0 and not tokens.breaks[first] and not _follows_head(tokens, item):
        return Diagnostic(
            "E0111", "a statement begins on a line of its own", tokens.span(first), "start a new line here"
        )
    return None


def _follows_head(tokens: Tokens, item: Item) -> bool:
    return bool(item.section) and tokens.kind(item.first - 1) == "_LBRACE"


def _misplaced(tokens: Tokens, first: int, section: str) -> Diagnostic:
    word = str(tokens.all[first])
    homes = [home.removeprefix("_K_").lower() for home, words in _ALLOWED.items() if word in words]
    home = "outside all sections" if homes == [""] else "in " + " or ".join(f"`{name}`" for name in homes)
    where = f"in `{section}`" if section else "here"
    remedy: tuple[str, ...] = ()
    if word == "let" and section in ("model", "block"):
        remedy = ("a value needs no word here: `name = ...`",)
    elif word == "return":
        remedy = ("`output name = ...` makes a value of the model known outside",)
    return Diagnostic("E0129", f"`{word}` cannot stand {where}", tokens.span(first), f"belongs {home}", help=remedy)


def _no_statement(tokens: Tokens, first: int, section: str, allowed: tuple[str, ...]) -> Diagnostic | None:
    """A name where a statement's word should be: misspelled, or a value outside all sections."""
    word, following = str(tokens.all[first]), tokens.kind(first + 1)
    guess = nearest(word, allowed)
    if guess and following in ("NAME", "STRING"):
        return Diagnostic(
            "E0121", f"there is no statement `{word}`", tokens.span(first), help=(f"did you mean `{guess}`?",)
        )
    if section:
        return None
    if following in ("_EQUAL", "_COMMA"):
        remedies = ["a constant is made with `let`, a number to vary with `param`; values belong in `model`"]
        return Diagnostic("E0129", f"`{word}` stands outside all sections", tokens.span(first), help=tuple(remedies))
    remedy = "a file is made of `data { }`, `model { }`, `train { }` and `import`, `param`, `let`, `fn`, `block`"
    return Diagnostic("E0121", f"`{word}` begins no statement", tokens.span(first), help=(remedy,))


class _Walk:
    """One pass over the tokens of a statement, with the brackets that are open at each."""

    def __init__(self, tokens: Tokens, item: Item, verify: Verify) -> None:
        self.tokens, self.item, self.verify = tokens, item, verify
        self.open: list[int] = []
        self.in_type = False

    def run(self) -> Diagnostic | None:
        tokens, strays = self.tokens, set(self.item.strays)
        own = self.item.own()
        typed = tokens.kind(own.start) in ("_K_INPUT", "_K_TARGET")
        for index in own:
            kind = tokens.kind(index)
            before = tokens.kind(index - 1) if index > own.start else ""
            self.in_type = self.in_type or (typed and kind == "_COLON")
            found = self._line(index) if index in strays else self._token(index, kind, before)
            if found:
                return found
            if kind in OPENERS:
                self.open.append(index)
            elif kind in CLOSERS and self.open:
                self.open.pop()
        return None

    def _token(self, index: int, kind: str, before: str) -> Diagnostic | None:
        tokens = self.tokens
        if kind in _LOGIC:
            word, instead = _LOGIC[kind]
            return Diagnostic(
                "E0127", f"the language has no `{word}`", tokens.span(index), help=(f"write `{instead}`",)
            )
        if kind == "_QUERY" and not self.in_type:
            remedy = "name the size: `target y: class(?k)`, then `dense(k)`"
            return Diagnostic("E0115", "`?` stands in types only", tokens.span(index), help=(remedy,))
        if kind == "_K_IF" and before == "_ARROW":
            return self._if_stage(index)
        if kind == "_K_AS":
            return self._alias(index)
        if kind == "MINUS" and before in VALUE_END:
            return self._minus(index)
        if kind == "_LSQB" and before in VALUE_END and not self.in_type:
            return self._opening(index, before)
        if kind == "_LPAR" and before in VALUE_END - {"NAME"}:
            return self._factor(index)
        if kind in _VALUE_START and before in VALUE_END:
            return self._neighbours(index)
        return None

    def _in_list(self) -> bool:
        """Is the innermost open bracket a list's or a call's?"""
        return bool(self.open) and self.tokens.kind(self.open[-1]) != "_LBRACE"

    def _line(self, index: int) -> Diagnostic:
        before = self.tokens.kind(index - 1)
        word, last = self.tokens.all[index], self.tokens.all[index - 1]
        if before in ("_K_THEN", "_K_ELSE", "_K_IN", "_K_ON", "_K_AS"):
            message = f"a line does not end with `{last}`"
            return Diagnostic("E0111", message, self.tokens.span(index - 1), help=(f"break the line before `{last}`",))
        message = "this line neither begins a statement nor goes on with the one above"
        remedy = "a line goes on with the one above where it begins with `->` or an operator, or stands inside brackets"
        labels = (Label(self.tokens.span(index - 1), "the line above ends here"),)
        following = self.tokens.kind(index + 1)
        if before in VALUE_END and self.tokens.kind(index) == "NAME" and following in ("_LPAR", "_ARROW"):
            remedy = (
                f"`-> {word}` feeds the value above on"
                if following == "_LPAR"
                else f"to give the value a name: `h = {word} -> ...`"
            )
        return Diagnostic("E0111", message, self.tokens.span(index), labels=labels, help=(remedy,))

    def _if_stage(self, index: int) -> Diagnostic:
        tokens, kinds = self.tokens, [self.tokens.kind(i) for i in self.item.own()]
        remedy = "choose values: `if norm then x -> batchnorm else x -> relu`, or make the stage a param"
        if kinds.count("_K_IF") == kinds.count("_K_THEN") == kinds.count("_K_ELSE") == 1 and not self.open:
            start = self._expression_start(index)
            then, otherwise = (self.item.first + kinds.index(kind) for kind in ("_K_THEN", "_K_ELSE"))
            if start < index - 1 and index + 1 < then and then + 1 < otherwise and otherwise + 1 < self.item.last:
                value = tokens.span(start, index - 2).text
                question = tokens.span(index + 1, then - 1).text
                yes, no = tokens.span(then + 1, otherwise - 1).text, tokens.span(otherwise + 1, self.item.last - 1).text
                written = f"if {question} then {value} -> {yes} else {value} -> {no}"
                if "\n" not in written and self.verify(written):
                    remedy = f"choose values: `{written}`, or make the stage a param"
        return Diagnostic("E0118", "`if` is not a stage", tokens.span(index), help=(remedy,))

    def _expression_start(self, index: int) -> int:
        """Where the expression begins that token `index` stands in (outside brackets)."""
        start = index
        while start > self.item.first and self.tokens.kind(start - 1) not in (
            "_EQUAL",
            "_K_RETURN",
            "_K_THEN",
            "_K_ELSE",
        ):
            start -= 1
        return start

    def _alias(self, index: int) -> Diagnostic | None:
        tokens = self.tokens
        place = tokens.span(index, index + 1) if tokens.kind(index + 1) == "NAME" else tokens.span(index)
        if tokens.kind(self.item.first) == "_K_LAYER":
            remedy = "name the value where the layer is used"
            return Diagnostic("E0120", "`as` cannot stand in a layer", place, help=(remedy,))
        loops = [opener for opener in self.open if tokens.kind(opener) == "_LBRACE"]
        if not loops:
            return None
        message = "`as` cannot stand in a loop: it would name many values"
        return Diagnostic("E0120", message, place, labels=(Label(tokens.span(loops[0]), "the loop"),))

    def _minus(self, index: int) -> Diagnostic | None:
        tokens = self.tokens
        before = not tokens.glued(index) or tokens.breaks[index]
        after = index + 1 < len(tokens.all) and not tokens.glued(index + 1)
        if before == after or tokens.kind(index + 1) not in _VALUE_START | {"_LPAR", "_LSQB"}:
            return None
        if tokens.breaks[index] and not self.open:
            remedy = f"to go on with the line above: `- {tokens.all[index + 1]}`"
            return Diagnostic("E0112", "a line may begin with `- x`, not with `-x`", tokens.span(index), help=(remedy,))
        left, right = self._left(index), tokens.all[index + 1]
        message = (
            f"this minus has space {'before' if before else 'after'} it and none {'after' if before else 'before'}"
        )
        remedy = f"`{left} - {right}`"
        if before and self._in_list():
            remedy = f"two values: `{left}, -{right}`; a difference: `{left} - {right}`"
        return Diagnostic("E0112", message, tokens.span(index), help=(remedy,))

    def _left(self, index: int) -> str:
        """What stands before token `index`, as far as a message needs it: a call whole, a number with its minus."""
        tokens, start = self.tokens, index - 1
        if tokens.kind(start) in CLOSERS:
            depth = 1
            while depth and start > self.item.first:
                start -= 1
                depth += (tokens.kind(start) in CLOSERS) - (tokens.kind(start) in OPENERS)
            start -= tokens.kind(start - 1) == "NAME" and start > self.item.first
        elif tokens.kind(start - 1) == "MINUS" and tokens.kind(start - 2) not in VALUE_END:
            start -= 1
        text = tokens.span(start, index - 1).text
        return short(text if "\n" not in text else str(tokens.all[index - 1]))

    def _opening(self, index: int, before: str) -> Diagnostic:
        tokens = self.tokens
        value = str(tokens.all[index - 1])
        if self._in_list() and (before != "NAME" or not tokens.glued(index)):
            return Diagnostic(
                "E0113", "a comma is missing between two values", tokens.span(index), "`,` is missing before this"
            )
        remedy = "`slice(y, 0, 1)`, or read the column as a target of its own"
        following = (
            tokens.all[index + 1] if tokens.kind(index + 1) == "NUMBER" and tokens.kind(index + 2) == "_RSQB" else None
        )
        if before == "NAME" and following is not None and following.isdigit() and tokens.kind(index - 2) != "_DOT":
            remedy = f"`slice({value}, {following}, {int(following) + 1})`, or read the column as a target of its own"
        end = next((i for i in range(index, self.item.last) if tokens.kind(i) == "_RSQB"), index)
        return Diagnostic("E0116", "values are not indexed", tokens.span(index, end), help=(remedy,))

    def _factor(self, index: int) -> Diagnostic:
        before = self.tokens.all[index - 1]
        if self._in_list() and not self.tokens.glued(index):
            return Diagnostic(
                "E0113", "a comma is missing between two values", self.tokens.span(index), "`,` is missing before this"
            )
        return Diagnostic(
            "E0114", f"`{before}` cannot be called", self.tokens.span(index), help=("a product is written with `*`",)
        )

    def _neighbours(self, index: int) -> Diagnostic:
        tokens = self.tokens
        right = tokens.all[index]
        if self._in_list():
            place = tokens.span(index)
            return Diagnostic("E0113", "a comma is missing between two values", place, "`,` is missing before this")
        first = tokens.kind(self.item.first)
        unequal = all(tokens.kind(i) != "_EQUAL" for i in range(self.item.first, index))
        if unequal and first in ("_K_FN", "_K_LET", "_K_PARAM", "_K_OUTPUT", "_K_LAYER"):
            return Diagnostic(
                "E0114", "`=` is missing before the value", tokens.span(index), help=("a value is given with `=`",)
            )
        if unequal and first in ("_K_INPUT", "_K_TARGET"):
            return Diagnostic(
                "E0114", "`:` is missing before the type", tokens.span(index), help=("a type is given with `:`",)
            )
        left = self._left(index)
        remedy = "an operator or `->` is missing"
        if tokens.kind(index) == "NAME":
            remedy = f"to feed the value on: `{left} -> {right}`"
        if index == self.item.first + 1 and self.item.section:
            remedy = f"a value is given with `=`: `{left} = ...`"
        return Diagnostic("E0114", f"nothing joins `{left}` and `{short(right)}`", tokens.span(index), help=(remedy,))
