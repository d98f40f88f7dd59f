"""The part of TextMate's way of reading a text that gpubp's grammar uses: `match`, `begin` and `end`, captures,
includes. A line at a time; of several patterns the one that matches first wins, of those the one that is listed
first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Rule = dict[str, Any]
compiled = cache(re.compile)


@dataclass
class Reader:
    """`scopes[i]` are the scopes of character `i`, the outermost first, without the suffix of the language."""

    grammar: Rule
    text: str
    scopes: list[tuple[str, ...]] = field(default_factory=list)

    def read(self) -> list[tuple[str, ...]]:
        self.scopes = [()] * len(self.text)
        stack: list[Rule] = [{"patterns": self.grammar["patterns"]}]
        start = 0
        for line in self.text.splitlines(keepends=True):
            self._line(stack, line, start)
            start += len(line)
        return self.scopes

    def _line(self, stack: list[Rule], line: str, start: int) -> None:
        position = 0
        while True:
            found = self._first(stack[-1], line, position)
            if found is None:
                return
            rule, match, ends = found
            if ends:
                stack.pop()
                self._capture(rule.get("endCaptures", {}), match, start, ())
            elif "begin" in rule:
                stack.append(rule)
                self._capture(rule.get("beginCaptures", {}), match, start, ())
            else:
                names = (_plain(rule["name"]),) if "name" in rule else ()
                self._mark(start, match.span(), names)
                self._capture(rule.get("captures", {}), match, start, names)
            assert match.end() > position or ends, "no way forward"
            position = match.end()

    def _first(self, state: Rule, line: str, position: int) -> tuple[Rule, re.Match[str], bool] | None:
        """The rule that comes next, its match, and whether it is the end of `state`."""
        choices = [(state, state["end"], True)] if "end" in state else []
        choices += [(rule, rule.get("match") or rule["begin"], False) for rule in self._flat(state["patterns"])]
        found = [
            (rule, match, ends)
            for rule, pattern, ends in choices
            if (match := compiled(pattern).search(line, position))
        ]
        return min(found, key=lambda one: one[1].start(), default=None)

    def _flat(self, patterns: list[Rule]) -> Iterator[Rule]:
        for rule in patterns:
            name = rule.get("include")
            if name is None:
                yield rule
            elif name == "$self":
                yield from self._flat(self.grammar["patterns"])
            else:
                yield self.grammar["repository"][name.removeprefix("#")]

    def _capture(self, captures: Rule, match: re.Match[str], start: int, outer: tuple[str, ...]) -> None:
        for group, rule in captures.items():
            first, end = match.span(int(group))
            if "name" in rule:
                self._mark(start, (first, end), (*outer, _plain(rule["name"])))
            while first < end:
                found = self._first({"patterns": rule.get("patterns", [])}, match.string[:end], first)
                if found is None:
                    break
                self._mark(start, found[1].span(), (*outer, _plain(found[0]["name"])))
                first = found[1].end()

    def _mark(self, start: int, span: tuple[int, int], names: tuple[str, ...]) -> None:
        for i in range(*span):
            self.scopes[start + i] = names


def _plain(scope: str) -> str:
    return scope.removesuffix(".gpubp")
