"""Where the grammar refuses a token in a declaration: `input x ...`, `target y ...`, `output p ...`."""

from __future__ import annotations

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
            remedy = f"a line of its own declares it: `{word} {name}: [2]`"
            return Diagnostic("E0110", f"`{word}` is no function", self._span(), help=(remedy,))
        if following != "NAME":
            return None
        start = tokens.span(first, first + 1).text
        if kind == "_K_OUTPUT" and self.kind == "_ARROW" and self.index == first + 2:
            remedy = f"an output is given a value: `{start} = x -> ...`"
            return Diagnostic("E0125", f"nothing flows into `{tokens.all[first + 1]}`", self._span(), help=(remedy,))
        if kind not in _TYPED:
            return None
        return self._type(start) or self._more(start)

    def _more(self, start: str) -> Diagnostic | None:
        """What goes on after the type."""
        tokens, first = self.tokens, self.item.first
        word, name = tokens.all[first], tokens.all[first + 1]
        if self.open or self.before not in VALUE_END:
            return None
        if self.kind == "_COMMA":
            other = tokens.all[self.index + 1] if tokens.kind(self.index + 1) == "NAME" else "y"
            remedy = f"each stands on a line of its own: `{word} {other}: ...`"
            return Diagnostic("E0123", f"a line declares one {word}", self._span(), help=(remedy,))
        if self.kind == "_ARROW":
            remedy = f"feed it on in a line of its own: `h = {name} -> ...`"
            return Diagnostic("E0125", f"`{start}` takes a type and nothing more", self._span(), help=(remedy,))
        return None

    def _type(self, start: str) -> Diagnostic | None:
        """What stands after `input x:` and begins no type."""
        if self.before != "_COLON":
            return None
        written = self.tokens.span(self.index, self.end - 1)
        if self.kind == "_LPAR":
            inside = written.text.strip("()").strip().rstrip(",")
            remedy = f"the sizes of a shape stand in square brackets: `{start}: [{inside}]`"
            return Diagnostic("E0123", "parentheses hold no shape", self._span(), help=(remedy,))
        size = written.text if self.kind == "NUMBER" else "2"
        numbers = f"{size} number" if size == "1" else f"{size} numbers"
        remedy = f"`{start}: [{size}]` for {numbers}, `{start}: class({size})` for one of {size} labels"
        return Diagnostic("E0125", f"`{short(written.text)}` is no type", written, help=(remedy,))
