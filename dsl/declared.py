"""Syntax errors in declarations: `input x ...`, `target y ...`, `output p ...`."""

from __future__ import annotations

import re

from .diagnostics import Diagnostic
from .layout import VALUE_END
from .refusal import Refusal
from .wording import short

_TYPED = ("_K_INPUT", "_K_TARGET")


class Declared(Refusal):
    """A refused token, asked whether it stands in a declaration that was meant otherwise."""

    def _declaration(self) -> Diagnostic | None:
        first, tokens = self.item.first, self.tokens
        kind, following = tokens.kind(first), tokens.kind(first + 1)
        if not self.kind:
            return None
        if self.kind in _TYPED and tokens.kind(self.index + 1) == "_LPAR":
            word, name = tokens.all[self.index], tokens.all[first] if tokens.kind(first) == "NAME" else "x"
            remedy = f"it is declared on a line of its own: `{word} {name}: [2]`"
            return Diagnostic("E0110", f"`{word}` is not a function", self._span(), help=(remedy,))
        if following != "NAME":
            return None
        start = tokens.span(first, first + 1).text
        if kind in ("_K_FN", "_K_BLOCK"):
            return self._definition(str(tokens.all[first]), str(tokens.all[first + 1]))
        if kind == "_K_OUTPUT" and self.kind == "_COMMA" and self.index == first + 2:
            remedy = f"each output has a line of its own: `{start} = ...`"
            return Diagnostic("E0123", "a line defines one output", self._span(), help=(remedy,))
        if kind == "_K_OUTPUT" and self.kind == "_LPAR" and self.index == first + 2:
            call = short(tokens.span(first + 1, self.end - 1).text, 60)
            remedy = f"give it one: `output p = {call}`"
            return Diagnostic("E0125", "this output has no name", tokens.span(first + 1), help=(remedy,))
        if kind == "_K_PARAM" and self.kind == "_K_IN" and self.index == first + 2:
            domain = short(tokens.span(self.index, self.end - 1).text, 60)
            remedy = f"`{start} = ... {domain}`"
            return Diagnostic(
                "E0125", f"the param `{tokens.all[first + 1]}` has no value", self._span(), help=(remedy,)
            )
        if kind == "_K_OUTPUT" and self.kind == "_ARROW" and self.index == first + 2:
            remedy = f"an output is assigned a value: `{start} = x -> ...`"
            return Diagnostic("E0125", f"`{tokens.all[first + 1]}` has no value", self._span(), help=(remedy,))
        if kind not in _TYPED:
            return None
        if self._ends_in_word():
            return self._worded()
        return self._type(start) or self._more(start) or self._sizes_of_class(start)

    def _definition(self, word: str, name: str) -> Diagnostic | None:
        """`fn f(x) { return ... }`, `fn f x = ...`, `block b(n) { ... }`, `block b on x { ... }`."""
        tokens, first = self.tokens, self.item.first
        opener = first + 2
        if self.index == opener and "_LPAR" in self.accepted and self.kind != "_LPAR":
            if word == "fn" and self.kind == "NAME":
                rest = short(tokens.span(self.index + 1, self.end - 1).text, 60)
                remedy = f"`fn {name}({tokens.all[self.index]}) {rest}`"
            else:
                remedy = f"`fn {name}(x) = ...`" if word == "fn" else f"`block {name}() on x {{ ... }}`"
            message = f"the arguments of a {word} go in parentheses"
            return Diagnostic("E0125", message, tokens.span(first + 1), help=(remedy,))
        if self.before != "_RPAR" or self.open:
            return None
        head = short(tokens.span(first, self.index - 1).text, 60)
        if word == "fn" and self.kind in ("_LBRACE", "_ARROW", "_COLON"):
            body = tokens.span(self.index + 1, self.end - 1).text.strip("{} \n").removeprefix("return ")
            body = body if "\n" not in body and self.verify(body) else "..."
            return Diagnostic(
                "E0125", "a fn is a single formula, after `=`", self._span(), help=(f"`{head} = {short(body, 60)}`",)
            )
        if word == "block" and self.kind in ("_LBRACE", "_COLON", "_EQUAL", "_ARROW"):
            remedy = f"name its input: `{head} on x {{ ... }}`"
            return Diagnostic("E0125", "this block declares no input", self._span(), help=(remedy,))
        return None

    def _more(self, start: str) -> Diagnostic | None:
        """Text after the type."""
        tokens, first = self.tokens, self.item.first
        word, name = tokens.all[first], tokens.all[first + 1]
        if self.open or self.before not in VALUE_END:
            return None
        if self.kind == "_COMMA":
            other = tokens.all[self.index + 1] if tokens.kind(self.index + 1) == "NAME" else "y"
            remedy = f"each has a line of its own: `{word} {other}: ...`"
            return Diagnostic("E0123", f"a line declares one {word}", self._span(), help=(remedy,))
        if self.kind == "_ARROW":
            remedy = f"pass it on, on a line of its own: `h = {name} -> ...`"
            return Diagnostic("E0125", f"`{start}` takes a type and nothing more", self._span(), help=(remedy,))
        return None

    def _ends_in_word(self) -> bool:
        """Whether the rejected token follows `input x: word`."""
        typed = self.tokens.kind(self.item.first) in _TYPED and self.index == self.item.first + 4
        return typed and self.before == "NAME" and self.tokens.kind(self.index - 2) == "_COLON"

    def _worded(self) -> Diagnostic:
        """A type that is a word without parentheses: `float32[2]`, `class[3]`, `int`."""
        tokens, first = self.tokens, self.item.first
        start, place, word = tokens.span(first, first + 1).text, tokens.span(first + 3), str(tokens.all[first + 3])
        written = tokens.span(self.index, self.end - 1).text if self.kind else ""
        shape = written if self.kind == "_LSQB" and self.verify(written) else "[2]"
        if word == "class":
            count = shape[1:-1] if self.kind == "_LSQB" else "10"
            return Diagnostic(
                "E0125", "`class` lacks the number of its classes", place, help=(f"`{start}: class({count})`",)
            )
        remedy = f"numbers need no word: `{start}: {shape}`; labels are `class(n)`"
        return Diagnostic("E0227", f"there is no type `{short(word)}`", place, help=(remedy,))

    def _sizes_of_class(self, start: str) -> Diagnostic | None:
        """`class(3, 4)`."""
        tokens, opener = self.tokens, self.item.first + 4
        if self.kind != "_COMMA" or self.open != [opener] or str(tokens.all[opener - 1]) != "class":
            return None
        classes = tokens.span(opener + 1, self.index - 1).text
        rest = tokens.span(self.index + 1, self.end - 1).text.removesuffix(")")
        remedy = f"a sequence of labels has its length at the end: `{start}: class({short(classes)})[{short(rest)}]`"
        return Diagnostic("E0125", "`class` takes one number", self._span(), help=(remedy,))

    def _type(self, start: str) -> Diagnostic | None:
        """Text after `input x:` that is not a type."""
        if self.before != "_COLON":
            return None
        if self.kind == "_COLON":
            place = self.tokens.span(self.index - 1, self.index)
            return Diagnostic("E0122", "one `:` declares a type", place, help=("keep one: `:`",))
        written = self.tokens.span(self.index, self.end - 1)
        if self.kind == "_LPAR":
            inside = written.text.strip("()").strip().rstrip(",")
            remedy = f"the sizes of a shape go in square brackets: `{start}: [{inside}]`"
            return Diagnostic("E0123", "parentheses hold no shape", self._span(), help=(remedy,))
        size = written.text if written.text.isdigit() else "2"
        remedy = f"`{start}: [{size}]` for {size} numbers, `{start}: class({size})` for one of {size} labels"
        if size == "1":
            remedy = f"`{start}: [1]` for one number, `{start}: class(2)` for one of two labels"
        sides = re.fullmatch(r"([0-9]+(?:[x*][0-9]+)+)", written.text)
        if sides:
            remedy = f"a shape is a list of sizes: `{start}: [{', '.join(re.split('[x*]', sides[0]))}]`"
        return Diagnostic("E0125", f"`{short(written.text)}` is not a type", written, help=(remedy,))
