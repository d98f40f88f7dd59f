"""Checks of a statement's tokens that need no grammar: spaces around a minus, missing commas, misplaced keywords."""

from __future__ import annotations

from dataclasses import replace

from .brackets import CLOSERS, OPENERS
from .choices import LOGIC, Choices, Verify
from .diagnostics import Diagnostic, Label
from .foreign import sequential
from .layout import VALUE_END, Item
from .starts import check_start
from .tokens import Tokens
from .wording import nearest, short

_VALUE_START = frozenset({"NAME", "NUMBER", "STRING", "TRUTH", "PI", "_K_IF"})
_DEFINED = ("_K_FN", "_K_LET", "_K_PARAM", "_K_OUTPUT", "_K_LAYER")
_KEYED = ("_K_DATA", "_K_TRAIN")
"""The sections in which two names side by side lack a `=`; elsewhere it may be a `->`."""
_UNITS = ("epochs", "steps", "epoch", "step")


def check(tokens: Tokens, item: Item, verify: Verify) -> Diagnostic | None:
    """The first error in a statement (or in the head of a section), if any."""
    return check_start(tokens, item) or _Walk(tokens, item, verify).run()


class _Walk(Choices):
    """A pass over the tokens of a statement that tracks the open brackets."""

    def __init__(self, tokens: Tokens, item: Item, verify: Verify) -> None:
        super().__init__(tokens, item, verify)
        self.in_type = False

    def run(self) -> Diagnostic | None:
        tokens, strays = self.tokens, set(self.item.strays)
        own = self.item.own()
        typed = tokens.kind(own.start) in ("_K_INPUT", "_K_TARGET")
        commas: list[Diagnostic] = []
        for index in own:
            kind = tokens.kind(index)
            before = tokens.kind(index - 1) if index > own.start else ""
            self.in_type = self.in_type or (typed and kind == "_COLON")
            found = self._line(index) if index in strays else self._token(index, kind, before)
            if found and found.code != "E0113":
                return commas[0] if commas else found
            commas += [found] if found else []
            if kind in OPENERS:
                self.open.append(index)
            elif kind in CLOSERS and self.open:
                self.open.pop()
        further = tuple([Label(each.span, "and before this") for each in commas[1:] if each.span])
        return replace(commas[0], labels=further) if commas else None

    def _token(self, index: int, kind: str, before: str) -> Diagnostic | None:
        tokens = self.tokens
        if kind in LOGIC:
            word, instead = LOGIC[kind]
            remedy = f"write `{self._logic(index, kind) or instead}`"
            return Diagnostic("E0127", f"the language has no `{word}`", tokens.span(index), help=(remedy,))
        if kind == "_QUERY" and not self.in_type:
            remedy = (
                "write a number, as in `dense(8)`, or, where the data gives it, name the size: "
                "`target y: class(?k)`, then `dense(k)`"
            )
            if any(tokens.kind(i) == "_COLON" for i in range(index, self.item.last)):
                remedy = "a choice is written `if a then b else c`"
            return Diagnostic("E0115", "`?` is only allowed in types", tokens.span(index), help=(remedy,))
        if kind == "_K_IF" and before == "_ARROW":
            return self._if_stage(index)
        if kind == "_K_AS":
            return self._alias(index)
        if kind == "MINUS" and before in VALUE_END:
            return self._minus(index)
        if kind == "_LSQB" and before in VALUE_END and not self.in_type:
            return self._lacks_sign(index) or self._opening(index, before)
        if kind == "_LPAR" and before in VALUE_END - {"NAME"}:
            return self._factor(index)
        if kind in _VALUE_START and before in VALUE_END:
            names_fn = tokens.kind(self.item.first) == "_K_FN" and index == self.item.first + 2
            return None if names_fn else self._neighbours(index)  # `fn f x = ...` lacks parentheses
        return None

    def _in_list(self) -> bool:
        """Whether the innermost open bracket belongs to a list or a call."""
        return bool(self.open) and self.tokens.kind(self.open[-1]) != "_LBRACE"

    def _line(self, index: int) -> Diagnostic:
        before = self.tokens.kind(index - 1)
        word, last = self.tokens.all[index], self.tokens.all[index - 1]
        if before in ("_K_THEN", "_K_ELSE", "_K_IN", "_K_ON", "_K_AS"):
            message = f"a line does not end with `{last}`"
            return Diagnostic("E0111", message, self.tokens.span(index - 1), help=(f"break the line before `{last}`",))
        labels = (Label(self.tokens.span(index - 1), "the line above ends here"),)
        if self.tokens.kind(index) == "_EQUAL":
            message, remedy = "`=` has no name before it", "the name stands in the same line: `h = ...`"
            return Diagnostic("E0122", message, self.tokens.span(index), labels=labels, help=(remedy,))
        message = "this line neither starts a statement nor continues the one above"
        remedy = "a line goes on with the one above where it begins with `->` or an operator, or stands inside brackets"
        following = self.tokens.kind(index + 1)
        if before in VALUE_END and self.tokens.kind(index) == "NAME" and following in ("_LPAR", "_ARROW"):
            remedy = (
                f"`-> {word}` passes the value above on"
                if following == "_LPAR"
                else f"to give the value a name: `h = {word} -> ...`"
            )
        elif before in VALUE_END and self.tokens.kind(index) == "NAME" and self._ends_line(index):
            remedy = f"`-> {word}` passes the value above on"
        return Diagnostic("E0111", message, self.tokens.span(index), labels=labels, help=(remedy,))

    def _ends_line(self, index: int) -> bool:
        return index + 1 >= len(self.tokens.all) or self.tokens.breaks[index + 1]

    def _alias(self, index: int) -> Diagnostic | None:
        tokens = self.tokens
        place = tokens.span(index, index + 1) if tokens.kind(index + 1) == "NAME" else tokens.span(index)
        if tokens.kind(self.item.first) == "_K_LAYER":
            remedy = "name the value where the layer is used"
            return Diagnostic("E0120", "`as` cannot be used in a layer", place, help=(remedy,))
        loops = [opener for opener in self.open if tokens.kind(opener) == "_LBRACE"]
        if not loops:
            return None
        message = "`as` cannot be used in a loop: it would name many values"
        labels = (Label(tokens.span(loops[0]), "the loop"),)
        remedy = "name the result of the loop in a statement of its own: `h = x -> repeat 3 { ... }`"
        return Diagnostic("E0120", message, place, labels=labels, help=(remedy,))

    def _minus(self, index: int) -> Diagnostic | None:
        tokens = self.tokens
        before = not tokens.adjacent(index) or tokens.breaks[index]
        after = index + 1 < len(tokens.all) and not tokens.adjacent(index + 1)
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
        """The operand before token `index`, as a message shows it: a whole call, a number with its minus."""
        tokens, start = self.tokens, self._left_start(index)
        text = tokens.span(start, index - 1).text
        if "\n" in text:
            text = f"{tokens.all[start]}(...)" if tokens.kind(start) == "NAME" else str(tokens.all[index - 1])
        return short(text)

    def _left_start(self, index: int) -> int:
        """The first token of the operand before token `index`."""
        tokens, start = self.tokens, index - 1
        if tokens.kind(start) in CLOSERS:
            depth = 1
            while depth and start > self.item.first:
                start -= 1
                depth += (tokens.kind(start) in CLOSERS) - (tokens.kind(start) in OPENERS)
            start -= tokens.kind(start - 1) == "NAME" and start > self.item.first
        elif tokens.kind(start - 1) == "MINUS" and tokens.kind(start - 2) not in VALUE_END:
            start -= 1
        return start

    def _opening(self, index: int, before: str) -> Diagnostic:
        tokens = self.tokens
        value = str(tokens.all[index - 1])
        if self._in_list() and (before != "NAME" or not tokens.adjacent(index)):
            return self._missing_comma(index)
        subject = value if before == "NAME" and tokens.kind(index - 2) != "_DOT" else "y"
        remedy = f"`slice({subject}, 0, 1)`, or read the column as a target of its own"
        number = str(tokens.all[index + 1]) if tokens.kind(index + 2) == "_RSQB" else ""
        if subject != "y" and number.isdigit():
            remedy = f"`slice({subject}, {number}, {int(number) + 1})`, or read the column as a target of its own"
        end = next((i for i in range(index, self.item.last) if tokens.kind(i) == "_RSQB"), index)
        bounds = tokens.span(index + 1, end - 1).text.split(":") if end > index + 1 else []
        if len(bounds) == 2 and not any(bound.strip() and not bound.strip().isdigit() for bound in bounds):
            first, last = (bound.strip() for bound in bounds)
            remedy = (
                f"`slice({subject}, {first or 0}, {last or '...'})`{'' if last else ', up to the size of the axis'}"
            )
        return Diagnostic("E0116", "values are not indexed", tokens.span(index, end), help=(remedy,))

    def _factor(self, index: int) -> Diagnostic:
        tokens, before = self.tokens, self.tokens.all[index - 1]
        if self._in_list() and not tokens.adjacent(index):
            return self._missing_comma(index)
        called, first = self._left(index), self._left_start(index)
        end = next((i for i in range(index, self.item.last) if tokens.kind(i) == "_RPAR"), index)
        if before != ")" or tokens.kind(first) != "NAME" or end == index + 1:
            message = f"`{called}` cannot be called"
            return Diagnostic("E0114", message, tokens.span(index), help=("a product is written with `*`",))
        call, given = tokens.span(first, index - 1).text, tokens.span(index + 1, end - 1).text
        name, _, options = call.removesuffix(")").partition("(")
        whole = f"{name}({', '.join([given, options] if options else [given])})"
        remedy = f"one call takes it all: `{short(whole, 80)}`"
        if self.verify(f"{given} -> f"):
            pipe = sequential(tokens.source.text[tokens.span(first).start :]) or f"{given} -> {call}"
            remedy = f"a value is passed on with `->`: `{short(pipe, 80)}`"
        message = f"`{called}` does not return a function that could be called"
        return Diagnostic("E0114", message, tokens.span(index, end), help=(remedy,))

    def _missing_comma(self, index: int) -> Diagnostic:
        place = self.tokens.span(index)
        return Diagnostic("E0113", "a comma is missing between two values", place, "`,` is missing before this")

    def _neighbours(self, index: int) -> Diagnostic:
        tokens = self.tokens
        right = tokens.all[index]
        if self._in_list():
            return self._missing_comma(index)
        if tokens.kind(index) == "_K_IF":
            return self._if_behind(index)
        left = self._left(index)
        if self.in_type:
            remedy = "numbers are `[sizes]`, a label is `class(n)`, several are `class(n)[sizes]`"
            message = f"nothing joins `{left}` and `{short(right)}` in a type"
            return Diagnostic("E0114", message, tokens.span(index), help=(remedy,))
        lacking = self._lacks_sign(index)
        if lacking:
            return lacking
        remedy = "an operator or `->` is missing"
        if tokens.kind(index - 1) == "NUMBER" and right in _UNITS:
            key = tokens.all[self.item.first]
            remedy = f"`{key} = {left}`" if key == right else f"a unit is glued to its number: `{left}{right}`"
        elif right in ("elif", "elseif", "elsif"):
            message, remedy = f"there is no `{right}`", "write `else if`: `if a then b else if c then d else e`"
            return Diagnostic("E0118", message, tokens.span(index), help=(remedy,))
        elif meant := self._small_word(index):
            remedy = f"did you mean `{meant}`?"
        elif tokens.kind(index - 2) == "_K_REPEAT":
            remedy = f"the stages of a loop go in braces: `repeat {left} {{ {self._called(index)} }}`"
        elif tokens.kind(index - 1) == "NUMBER" and tokens.kind(index) == "NAME":
            remedy = f"a product is written with `*`: `{left} * {self._called(index)}`"
        elif tokens.kind(index) == "NAME":
            remedy = f"to pass the value on: `{left} -> {self._called(index)}`"
        elif tokens.kind(index - 1) == "NAME" and tokens.kind(index - 2) in ("_ARROW", "_EQUAL"):
            remedy = f"arguments go in parentheses: `{left}({short(right)})`"
        if index == self.item.first + 1 and self.item.section:
            remedy = f"a value is given with `=`: `{left} = ...`"
        return Diagnostic("E0114", f"nothing joins `{left}` and `{short(right)}`", tokens.span(index), help=(remedy,))

    def _small_word(self, index: int) -> str:
        """`on`, `in` or `as`, in the place of which a name stands."""
        tokens, first = self.tokens, self.tokens.kind(self.item.first)
        if tokens.kind(index) != "NAME" or tokens.kind(index + 1) not in _VALUE_START | {"_LSQB"}:
            return ""
        if first == "_K_BLOCK" and tokens.kind(index - 1) == "_RPAR" and not self.open:
            return "on"
        if tokens.kind(index - 2) == "_K_FOR" or (first == "_K_PARAM" and nearest(str(tokens.all[index]), ("in",))):
            return "in"
        return "as" if first == "_K_IMPORT" else ""

    def _lacks_sign(self, index: int) -> Diagnostic | None:
        """The error for a value or type without the `=` or `:` that must precede it."""
        tokens, first = self.tokens, self.tokens.kind(self.item.first)
        if any(tokens.kind(i) == "_EQUAL" for i in range(self.item.first, index)):
            return None
        start = tokens.span(self.item.first, index - 1).text
        if first == "_K_LAYER" and "{" in start:
            place = next(i for i in range(self.item.first, index) if tokens.kind(i) == "_LBRACE")
            chain = "a layer is a chain of stages: `layer f = dense(8) -> relu`"
            body = "what has values of its own is a block, `block f() on x { ... }`: `W = weight([2, 3])`, `return ...`"
            return Diagnostic("E0114", "a layer has no body", tokens.span(place), help=(chain, body))
        line = tokens.source.text[tokens.span(index).start :].partition("\n")[0].partition("#")[0].rstrip()
        second = index == self.item.first + 1 and bool(self.item.section)
        named = second and (self.item.section in _KEYED or tokens.kind(index) != "NAME")
        for words, sign, what in (
            (_DEFINED + ("NAME",) * named, " =", "a value is given with `=`"),
            (("_K_INPUT", "_K_TARGET"), ":", "a type is declared with `:`"),
        ):
            if first in words:
                message = f"`{sign.strip()}` is missing before the {what.split()[1]}"
                remedy = f"{what}: `{short(f'{start}{sign} {line}', 60)}`"
                return Diagnostic("E0114", message, tokens.span(index), help=(remedy,))
        return None

    def _called(self, index: int) -> str:
        """The name at `index`, with its arguments if they are on the same line."""
        tokens = self.tokens
        end = index
        if tokens.kind(index + 1) == "_LPAR":
            end = next((i for i in range(index, self.item.last) if tokens.kind(i) == "_RPAR"), index)
        text = tokens.span(index, end).text
        return text if "\n" not in text and self.verify(text) else str(tokens.all[index])
