"""Where the grammar refuses an operator: a chain of comparisons, a sum behind a pipe, `+=`."""

from __future__ import annotations

from .brackets import OPENERS
from .declared import Declared
from .diagnostics import Diagnostic, Label
from .layout import OPERATORS, VALUE_END
from .wording import short


class Operators(Declared):
    """A refused token, asked whether it is an operator that was meant otherwise."""

    def _operator(self) -> Diagnostic | None:
        tokens, index = self.tokens, self.index
        sign = str(tokens.all[index]) if index < self.end else ""
        if self.kind not in OPERATORS:
            return None
        if tokens.kind(index + 1) == "_EQUAL" and tokens.adjacent(index + 1):
            return self._assignment(index)
        start = self._part_start()
        arrows = [i for i in range(start, index) if tokens.kind(i) == "_ARROW" and self._depth_is_same(i)]
        if arrows and self.before in VALUE_END | {"_RBRACE"}:
            return self._pipe_then_sign(start, arrows[-1], sign)
        compared = [i for i in range(start, index) if tokens.kind(i) == "COMPARE" and self._depth_is_same(i)]
        if self.kind == "COMPARE" and compared:
            labels = (Label(tokens.span(compared[0]), "the first comparison"),)
            first = tokens.span(start, compared[0] - 1).text.removeprefix("if ")
            middle = tokens.span(compared[0] + 1, index - 1).text
            last = tokens.all[index + 1] if index + 1 < self.end else "c"
            left, right = f"{first} {tokens.all[compared[0]]} {middle}", f"{middle} {sign} {last}"
            if not self.verify(f"({left}) * ({right})"):
                left, right = "a < b", "b < c"
            remedy = f"compare twice: `(if {left} then {right} else false)`, of tensors `({left}) * ({right})`"
            return Diagnostic("E0128", "comparisons do not chain", self._span(), labels=labels, help=(remedy,))
        if self.before == "MINUS" and sign == ">":
            place = tokens.span(index - 1, index)
            return Diagnostic("E0125", "`- >` is not an arrow", place, help=("write `->` without a space",))
        if self.before in OPERATORS or self.before in ("_EQUAL", "_COMMA", "_ARROW") or self.before in OPENERS:
            if sign == "+":
                return Diagnostic(
                    "E0125",
                    "there is no sign `+`: a number without a sign is positive",
                    self._span(),
                    help=("delete it",),
                )
            return Diagnostic("E0125", f"a value is missing before `{sign}`", self._span())
        return None

    def _pipe_then_sign(self, start: int, arrow: int, sign: str) -> Diagnostic:
        tokens = self.tokens
        pipe = tokens.span(start, self.index - 1).text
        rest = tokens.span(self.index, self.end - 1).text
        remedy = "`->` binds loosest: put the pipe in parentheses, `(x -> f) + y`"
        if "\n" not in pipe and "\n" not in rest and not self.open and self.verify(f"({pipe}) {rest}"):
            head = tokens.span(self.item.first, start - 1).text + " " if start > self.item.first else ""
            remedy = f"`->` binds loosest: `{short(head + f'({pipe}) {rest}', 100)}`"
        remedies = (remedy, "a value is passed on with `->`") if sign == ">" else (remedy,)
        labels = (Label(tokens.span(arrow), "the pipe"),)
        return Diagnostic("E0117", f"a pipe cannot be followed by `{sign}`", self._span(), labels=labels, help=remedies)

    def _assignment(self, sign: int) -> Diagnostic:
        place = self.tokens.span(sign, sign + 1)
        name, rest = self.tokens.all[self.item.first], self.tokens.span(sign + 2, self.end - 1).text
        written = f"{name}_2 = {name} {self.tokens.all[sign]} {short(rest, 60)}"
        named = sign == self.item.first + 1 and "\n" not in rest and sign + 2 < self.end
        remedy = "give the new value a name of its own" + (f": `{written}`" if named else "")
        return Diagnostic("E0122", f"there is no `{place.text}`: a name is assigned once", place, help=(remedy,))
