"""Where the grammar refuses a token: what was probably meant."""

from __future__ import annotations

import re

from .brackets import CLOSERS, OPENERS
from .choices import Verify
from .diagnostics import Diagnostic
from .layout import OPERATORS, VALUE_END, Item
from .separators import Separators
from .source import Span
from .tokens import Tokens
from .wording import SECTION_NAMES, reserved, short

_RESERVED = frozenset({"TRUTH", "PI"})
_OWED = {
    "_EQUAL": "a value is missing after `=`",
    "_ARROW": "`->` leads nowhere",
    "_COMMA": "a value is missing after `,`",
}
_CONTINUED = {
    "_EQUAL": ("write the value after it, or delete the line",),
    "_ARROW": ("name the stage that follows, as in `x -> relu`, or delete the `->`",),
}


def explain(tokens: Tokens, item: Item, index: int, accepted: frozenset[str], verify: Verify) -> Diagnostic:
    """The finding for token `index`, refused where only `accepted` types fit; see `Refusal`."""
    return _Mistake(tokens, item, index, accepted, verify).explain()


class _Mistake(Separators):
    def explain(self) -> Diagnostic:
        for attempt in (
            self._unfinished,
            self._declaration,
            self._word,
            self._equal,
            self._colon,
            self._operator,
            self._comma,
            self._range,
            self._dot,
            self._brace,
            self._arrow,
            self._import,
            self._alone,
        ):
            found = attempt()
            if found:
                return found
        return self._expected()

    def _unfinished(self) -> Diagnostic | None:
        """The statement or the bracket ends where something is still owed."""
        if self.kind and self.kind not in CLOSERS and self.kind != "_COMMA":
            return None
        last = self.tokens.span(self.index - 1)
        word = last.text
        if self._ends_in_word():
            return self._worded()
        if self._lacks_branch():
            return self._lacks_branch()
        if self.before in OPERATORS:
            message = f"`{word}` has nothing after it"
        elif self.before in _OWED and (self.before != "_COMMA" or self.kind in ("", "_COMMA")):
            message = _OWED[self.before]
            if self.before == self.kind:
                place = self.tokens.span(self.index - 1, self.index)
                return Diagnostic(
                    "E0125", "a value is missing between two `,`", place, help=("write it, or keep one: `,`",)
                )
        elif self.kind == "_COMMA" and self.before in OPENERS:
            return Diagnostic("E0125", "a value is missing before `,`", self._span(), help=("delete it",))
        elif not self.kind and self.index == self.item.first + 2 and "_EQUAL" in self.accepted:
            start = self.tokens.span(self.item.first, self.index - 1).text
            what = self.tokens.all[self.item.first]
            help = f"`{start} = ...`" + (": the word goes before the assignment" * (what == "output"))
            return Diagnostic("E0125", f"the {what} `{word}` has no value", last, help=(help,))
        elif not self.kind and self.tokens.kind(self.item.first) == "_K_IMPORT" and self.before == "STRING":
            stem = word.strip('"').rpartition("/")[2].partition(".")[0]
            alias = stem if stem.isidentifier() and stem.isascii() else "lib"
            message, remedy = "this import has no name", f"`import {short(word, 60)} as {alias}`"
            return Diagnostic("E0125", message, last, help=(remedy,))
        elif not self.kind and self.before == "NAME" and self.index == self.item.first + 1 and self.item.section:
            return Diagnostic(
                "E0125",
                f"`{word}` alone is not a statement",
                last,
                help=(f"a value is given with `=`: `{word} = ...`",),
            )
        elif not self.kind:
            return Diagnostic(
                "E0125", f"this statement is unfinished: {self._wanted()} is missing after `{short(word)}`", last
            )
        else:
            return None
        return Diagnostic("E0125", message, last, help=_CONTINUED.get(self.before, ()))

    def _lacks_branch(self) -> Diagnostic | None:
        for owed, word in (("_K_THEN", "then"), ("_K_ELSE", "else")):
            if owed in self.accepted and self.before in VALUE_END | {"_RBRACE"}:
                start = max(
                    (i for i in range(self.item.first, self.index) if self.tokens.kind(i) == "_K_IF"), default=-1
                )
                if start >= 0:
                    remedy = "both branches are written: `if a then b else c`"
                    return Diagnostic("E0125", f"this `if` has no `{word}`", self.tokens.span(start), help=(remedy,))
        return None

    def _word(self) -> Diagnostic | None:
        """A keyword, where a name or a value belongs or where nothing fits."""
        if not (self.kind.startswith("_K_") or (self.kind in _RESERVED and self.kind not in self.accepted)):
            return None
        word = str(self.tokens.all[self.index])
        if self.kind in ("_K_REPEAT", "_K_FOR") and "NUMBER" in self.accepted:
            remedy = f"`x -> {word} ... {{ }}` repeats stages; `[for i in 1..n {{ ... }}]` makes a list of values"
            return Diagnostic("E0119", f"`{word}` is not a value", self._span(), help=(remedy,))
        if self.kind == "_K_AS" and self.before == "_RBRACE":
            remedy = "a statement of its own names what comes out of it: `h = x -> repeat 3 { ... }`"
            return Diagnostic("E0120", "`as` names a stage, not a loop", self._span(), help=(remedy,))
        if self.kind == "_K_AS" and "_ARROW" in self.accepted:
            before = self.tokens.span(self.item.first, self.index - 1).text
            call = re.search(r"(\w+)\((\w+)(?:, ([^()]*))?\)$", before)
            pipe = f"{call[2]} -> {call[1]}" + (f"({call[3]})" if call[3] else "") if call else "x -> f"
            name = self.tokens.all[self.index + 1] if self.tokens.kind(self.index + 1) == "NAME" else "name"
            remedy = f"`{short(f'{pipe} as {name}', 60)}`; a value of the model is named by `{name} = ...`"
            return Diagnostic(
                "E0120", "`as` names a stage, but nothing is piped into this", self._span(), help=(remedy,)
            )
        if self.kind == "_K_IF":
            fits = "NUMBER" in self.accepted
            what = (
                "as part of an expression stands in parentheses" if fits else "cannot be in the middle of an expression"
            )
            return Diagnostic("E0118", f"`if` {what}", self._span(), help=("write `(if a then b else c)`",))
        opened = any(self.tokens.kind(i) == "_K_IF" for i in range(self.item.first, self.index))
        if self.kind in ("_K_THEN", "_K_ELSE") and not ("NAME" in self.accepted and opened):
            remedy = "write `if a then b else c`"
            return Diagnostic(
                "E0125",
                f"`{word}` belongs to no `if`" if not opened else f"`{word}` has no place here",
                self._span(),
                help=(remedy,),
            )
        if "NAME" in self.accepted:
            return reserved(self._span())
        return None

    def _equal(self) -> Diagnostic | None:
        if self.kind != "_EQUAL":
            return None
        first, tokens = self.tokens.kind(self.item.first), self.tokens
        if first in ("_K_INPUT", "_K_TARGET") and "_COLON" in self.accepted:
            word, name = tokens.all[self.item.first], tokens.all[self.index - 1]
            remedy = f"`{word} {name}: [2]` for two numbers per example, `{word} {name}: class(10)` for a label"
            return Diagnostic("E0122", f"`{word}` takes a type, after `:`", self._span(), help=(remedy,))
        if self.index == self.item.first + 1 and first.startswith("_K_"):
            return reserved(tokens.span(self.item.first))
        inner = self._inner()
        asks = any(tokens.kind(i) == "_K_IF" for i in range(self.item.first, self.index))
        if "_K_THEN" in self.accepted or (asks and tokens.kind(inner) == "_LPAR" and not self._in_call()):
            return Diagnostic("E0122", "`=` gives a value; it does not compare", self._span(), help=("write `==`",))
        if self.before in OPERATORS and tokens.adjacent(self.index):
            return self._assignment(self.index - 1)
        if self.before == "_EQUAL":
            place = tokens.span(self.index - 1, self.index)
            return Diagnostic("E0122", "one `=` gives a value", place, help=("keep one: `=`",))
        if self.before == "NAME" and inner > self.item.first and tokens.kind(inner) == "_LBRACE":
            remedy = f"delete `{tokens.all[self.index - 1]} =`; a value is named where the pipe ends: `h = x -> ...`"
            return Diagnostic("E0122", "stages have no names", self._span(), help=(remedy,))
        if any(tokens.kind(i) == "_EQUAL" for i in range(self.item.first, self.index)) and inner < 0:
            return Diagnostic("E0122", "a statement has one `=`", self._span(), help=("to compare write `==`",))
        if self._in_call():
            return Diagnostic(
                "E0122", "an argument is named by one word before `=`", self._span(), help=("to compare write `==`",)
            )
        return Diagnostic("E0122", "`=` has no place here", self._span(), help=("to compare write `==`",))

    def _range(self) -> Diagnostic | None:
        if self.kind != "_RANGE":
            return None
        if self._span().source.text.startswith("...", self._span().start):
            remedy = "a line that begins with `->` or an operator continues the one above"
            place = Span(self._span().source, self._span().start, self._span().start + 3)
            return Diagnostic("E0124", "`...` does not continue a line", place, help=(f"delete it: {remedy}",))
        remedy = "`for i in 1..n`, `param depth = 4 in 2..8`; a count is a plain number: `repeat 3 { ... }`"
        return Diagnostic("E0124", "`..` is only allowed after `in`", self._span(), help=(remedy,))

    def _dot(self) -> Diagnostic | None:
        """`3.`, `x .* y`, and `x.dense(8).relu()`."""
        tokens = self.tokens
        dot = self.index - (self.before == "_DOT")
        if tokens.kind(dot) == "_DOT" and tokens.kind(dot + 1) in ("TIMES", "POWER") and tokens.adjacent(dot + 1):
            place, sign = tokens.span(dot, dot + 1), tokens.all[dot + 1]
            message = f"`.{sign}` is no operator: `{sign}` works element by element"
            return Diagnostic("E0104", message, place, help=(f"write `{sign}`",))
        if self.kind == "_DOT" and self.before == "NUMBER":
            number = f"`{tokens.all[self.index - 1]}.0`"
            place = tokens.span(self.index - 1, self.index)
            return Diagnostic("E0107", "a number does not end with a dot", place, help=(number,))
        if self.kind != "_DOT" or self.before != "_RPAR":
            return None
        whole = tokens.span(self._part_start(), self.end - 1).text
        piped = re.sub(r"\(\)(?= ->|$)", "", re.sub(r"\.(?=[a-z_]\w*\()", " -> ", whole))
        remedy = f"`->` passes a value on: `{short(piped, 80)}`" if self.verify(piped) else "`x -> dense(8) -> relu`"
        return Diagnostic("E0114", "values have no methods", self._span(), help=(remedy,))

    def _brace(self) -> Diagnostic | None:
        """A `{` where none fits."""
        tokens = self.tokens
        if self.kind != "_LBRACE":
            return None
        if self.before == "_K_REPEAT":
            place = tokens.span(self.index - 1)
            return Diagnostic("E0125", "`repeat` lacks a count", place, help=("`repeat 3 { ... }`",))
        if "NUMBER" in self.accepted:
            message = "braces hold no values: there are no dictionaries"
            remedy = "options go in parentheses, as in `adam(lr = 0.1)`, lists in `[ ]`"
            return Diagnostic("E0125", message, self._span(), help=(remedy,))
        if self.before != "NAME" or not self.item.section:
            return None
        name, inside = tokens.all[self.index - 1], tokens.span(self.index + 1, self.end - 2).text
        remedy = f"`{name}({inside if self.verify(f'f({inside})') else '...'})`"
        message = "options go in parentheses, not in braces"
        return Diagnostic("E0125", message, self._span(), help=(remedy,))

    def _arrow(self) -> Diagnostic | None:
        """What follows `->` and is no stage; a `->` with nothing to pass on."""
        tokens, kind = self.tokens, self.kind
        if kind == "_ARROW" and self.before == "_EQUAL":
            return Diagnostic("E0125", "a pipe begins with a value", self._span(), help=("`x -> dense(8)`",))
        if kind == "_ARROW" and self.before == "_ARROW":
            place = tokens.span(self.index - 1, self.index)
            return Diagnostic(
                "E0125", "a stage is missing between two `->`", place, help=("name the stage, or keep one: `->`",)
            )
        if self.before != "_ARROW" or kind not in ("_LPAR", "_LSQB", "NUMBER", "STRING", "TRUTH", "PI"):
            return None
        remedy = "a stage is a name or a call: `-> relu`, `-> dense(8)`"
        name = str(tokens.all[self.index])[1:-1]
        stages = tokens.span(self.index + 1, self.end - 2).text if kind == "_LSQB" else ""
        if kind == "STRING" and name.isidentifier():
            remedy = f"names have no quotes: `-> {name}`"
        elif stages and self.verify(f"[{stages}]") and "\n" not in stages:
            pipe = re.sub(r",\s*(?![^()]*\))", " -> ", stages)
            remedy = f"stages follow each other with `->`: `{short(pipe, 80)}`"
        return Diagnostic("E0125", "`->` leads to no stage", self._span(), help=(remedy,))

    def _import(self) -> Diagnostic | None:
        if self.before != "_K_IMPORT" or "STRING" not in self.accepted:
            return None
        remedy = 'another `.net` file is read with `import "blocks.net" as lib`; layers need no import'
        rest = self.tokens.span(self.index, self.end - 1).text
        if self.kind == "NAME" and re.fullmatch(r"[\w/.]+\.net", rest):
            remedy = f'`import "{short(rest, 60)}" as {self.tokens.all[self.index]}`'
        return Diagnostic("E0125", "an import names a file, in quotes", self._span(), help=(remedy,))

    def _alone(self) -> Diagnostic | None:
        """`dense(8)` and `x -> relu` as statements."""
        tokens, word = self.tokens, self.tokens.all[self.item.first]
        if not self.item.section or self.index != self.item.first + 1:
            return None
        if self.kind == "_LPAR":
            remedy = f"give it an input and a name: `h = x -> {word}(...)`"
            if word == "weight":
                remedy = f"give it a name: `W = {short(tokens.span(self.item.first, self.end - 1).text, 60)}`"
            return Diagnostic("E0125", "a call alone is not a statement", tokens.span(self.item.first), help=(remedy,))
        if self.kind == "_ARROW":
            remedy = f"give its value a name: `h = {word} -> ...`"
            return Diagnostic("E0125", "a pipe alone is not a statement", self._span(), help=(remedy,))
        return None

    def _expected(self) -> Diagnostic:
        wanted = self._wanted()
        found = f"`{short(self.tokens.all[self.index])}`" if self.kind else "the end"
        label = "" if wanted == "something" else f"{wanted} is expected here"
        remedy = ("write `=`",) if found == "`==`" and "_EQUAL" in self.accepted else self._no_name()
        return Diagnostic("E0125", f"{found} has no place here", self._span(), label, help=remedy)

    def _no_name(self) -> tuple[str, ...]:
        """What to write for `hidden-1 = ...`, `hidden layer = ...`, `1st = ...`: something else in a name's place."""
        tokens, first = self.tokens, self.item.first
        if "_LBRACE" in self.accepted and self.index == first + 1 and tokens.all[first] in SECTION_NAMES:
            return (f"sections have no names: `{tokens.all[first]} {{ ... }}`",)
        first += tokens.kind(first).startswith("_K_")
        equal = next((i for i in range(first, self.end) if tokens.kind(i) == "_EQUAL"), first)
        if not self.item.section or equal <= self.index or any(tokens.kind(i) in OPENERS for i in range(first, equal)):
            return ()
        name = re.sub(r"\W+", "_", tokens.span(first, equal - 1).text, flags=re.ASCII).strip("_")
        name = f"_{name}" if name[:1].isdigit() else name
        return (f"write `{short(name, 40)}`: names consist of the letters a to z and A to Z, digits and `_`",)
