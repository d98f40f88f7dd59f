"""Syntax errors at a colon or comma, with the likely intention."""

from __future__ import annotations

from .diagnostics import Diagnostic
from .layout import STATEMENT_WORDS, VALUE_END
from .operators import Operators
from .wording import short


class Separators(Operators):
    """A rejected token that may be a misused `:` or `,`."""

    def _colon(self) -> Diagnostic | None:
        if self.kind != "_COLON":
            return None
        tokens, item = self.tokens, self.item
        name = tokens.all[self.index - 1]
        if self.before in VALUE_END and tokens.kind(self._part_start() - 1) == "_K_IN":
            last = f"{tokens.all[self.index + 1]}" if tokens.kind(self.index + 1) in ("NUMBER", "NAME") else "n"
            first = tokens.span(self._part_start(), self.index - 1).text
            remedy = f"`{short(first)}..{short(last)}`; both ends are included"
            return Diagnostic("E0124", "a range is written with `..`", self._span(), help=(remedy,))
        if self.accepted & {"_K_THEN", "_K_ELSE"} and any(
            tokens.kind(i) == "_K_IF" for i in range(item.first, self.index)
        ):
            remedy = "write `if a then b else c`"
            return Diagnostic("E0125", "`:` stands where `then` belongs", self._span(), help=(remedy,))
        if tokens.kind(self.index + 1) == "_EQUAL" and tokens.adjacent(self.index + 1):
            place = tokens.span(self.index, self.index + 1)
            return Diagnostic("E0122", "a value is given with `=` alone", place, help=("write `=`",))
        value = tokens.span(self.index + 1, self.end - 1).text if self.index + 1 < self.end else ""
        remedies = ["write `=`"]
        if self.before == "NAME" and self.index == item.first + 1:
            if item.section == "_K_MODEL":
                shape = short(value, 40) if value.startswith("[") and value.endswith("]") else "[...]"
                data = f"`input {name}: ...` or `target {name}: ...` for what the data gives"
                remedies = [f"{data}, `{name} = ...` for a value, `{name} = weight({shape})` for a weight"]
            elif value and "\n" not in value and self.verify(value):
                remedies = [f"write `{name} = {short(value, 100)}`"]
        elif self.before == "NAME" and self.index == item.first + 2 and "\n" not in value and self.verify(value):
            remedies = [f"write `{tokens.span(item.first, self.index - 1).text} = {short(value, 60)}`"]
        elif self.before == "NAME" and self._in_call():
            remedies = [f"write `{name} = ...`"]
        elif self.open:
            remedies = []
        return Diagnostic("E0122", "`:` declares a type, `=` assigns a value", self._span(), help=tuple(remedies))

    def _comma(self) -> Diagnostic | None:
        if self.kind != "_COMMA":
            return None
        tokens, inner = self.tokens, self._inner()
        if inner >= 0 and tokens.kind(inner) == "_LPAR" and not self._in_call():
            closer = next((i for i in range(self.index, self.end) if tokens.kind(i) == "_RPAR"), inner)
            inside = tokens.span(inner + 1, closer - 1).text if closer > inner + 1 else ""
            remedy = (
                f"a list is written `[ ]`: `[{inside}]`" if self.verify(f"[{inside}]") else "a list is written `[ ]`"
            )
            message, place = "there are no tuples: parentheses only group", tokens.span(inner, closer)
            return Diagnostic("E0123", message, place, help=(remedy,))
        following = tokens.kind(self.index + 1)
        named = following == "NAME" and tokens.kind(self.index + 2) == "_EQUAL"
        if inner < 0 and (following in STATEMENT_WORDS or (named and self.item.section in ("_K_TRAIN", "_K_DATA"))):
            message, remedy = "a statement starts on a new line", "delete the `,`"
            place = tokens.span(self.index + 1)
            return Diagnostic("E0111", message, place, "start a new line here", help=(remedy,))
        if inner < 0 and self.before == "_RPAR" and named:
            return self._option_behind()
        if self.before == following == "NUMBER" and tokens.adjacent(self.index) and tokens.adjacent(self.index + 1):
            number = f"{tokens.all[self.index - 1]}.{tokens.all[self.index + 1]}"
            remedy = f"the decimal sign is a point: `{short(number)}`"
            return Diagnostic("E0123", "a number has no comma", self._span(), help=(remedy,))
        if (
            inner < 0
            and self.before in VALUE_END
            and any(tokens.kind(i) == "_EQUAL" for i in range(self.item.first, self.index))
        ):
            return Diagnostic(
                "E0123", "a statement gives one value", self._span(), help=("a list is written `[ ]`: `[a, b]`",)
            )
        return None

    def _option_behind(self) -> Diagnostic:
        """`dense(8), bias = false`: an option after the closing parenthesis of its call."""
        tokens, index = self.tokens, self.index
        option = tokens.span(index + 1, self.end - 1).text
        remedy = f"`dense(8, {short(option, 60)})`"
        opener = next((i for i in range(index - 2, self.item.first, -1) if tokens.kind(i) == "_LPAR"), index)
        if tokens.kind(opener - 1) == "NAME" and "\n" not in option:
            call = tokens.span(opener - 1, index - 2).text
            remedy = f"`{short(call + ', ' * (opener < index - 2) + option, 80)})`"
            if option.startswith("activation") and tokens.kind(index + 3) == "NAME":
                remedy = f"`{short(call, 60)}) -> {tokens.all[index + 3]}`"
                message = "an activation is a stage of its own"
                return Diagnostic("E0123", message, tokens.span(index + 1), help=(remedy,))
        message = f"`{tokens.all[index + 1]}` comes after the call whose option it is"
        return Diagnostic("E0123", message, tokens.span(index + 1), help=(f"options go in parentheses: {remedy}",))
