"""Text to syntax tree, with error recovery: the result is a tree of all valid statements, and a list of errors.

A valid file is scanned, checked and parsed once. Otherwise each statement is parsed by itself, so that every invalid
one gives exactly one error and affects no other; the valid ones are then parsed together. The time is linear.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from lark import Token, Tree

from . import syntax
from .brackets import indent, match, too_deep
from .build import Builder
from .checks import check
from .diagnostics import Diagnostic, Label
from .grammar import Refused, parse_tokens
from .layout import UNKNOWN, Item, Splitter
from .limits import MAX_TEXT_BYTES
from .mistakes import explain
from .source import Source, Span
from .strays import QUOTES
from .tokens import MAX_ERRORS, Tokens, scan
from .wording import MODEL

MAX_FINDINGS = 20
"""More findings than these in one file are counted, not shown."""

_HEADS = {
    "_K_DATA": (("_K_DATA", "data"), ("_LBRACE", "{")),
    "_K_MODEL": (("_K_MODEL", "model"), ("_LBRACE", "{")),
    "_K_TRAIN": (("_K_TRAIN", "train"), ("_LBRACE", "{")),
    "_K_BLOCK": tuple((k, k) for k in ("_K_BLOCK", "NAME", "_LPAR", "_RPAR", "_K_ON", "NAME", "_LBRACE")),
}

_STRAY = "E0104"

_HEADLESS = frozenset({"E0121", "E0122", "E0129"})
"""Codes of statements that were perhaps meant to head those below."""


def parse(source: Source) -> tuple[syntax.File, list[Diagnostic]]:
    """The file's statements that were understood, and all independent findings in the order of the text.

    Of a section with broken statements the others are there; a block whose `return` is broken has no returns.
    Never raises.
    """
    empty = syntax.File(Span(source, 0, len(source.text)), ())
    refusal = _too_long(source) or _without_lines(source)
    if refusal:
        return empty, [refusal]
    tokens = scan(source)
    if not tokens.all:
        what = "the file holds comments only" if source.text.strip("\ufeff \t\r\n") else "the file is empty"
        return empty, _in_order(tokens.slips) or [Diagnostic("E0101", what, Span(source, 0, 0), help=(_EMPTY,))]
    refusal = too_deep(tokens)
    if refusal:
        return empty, [refusal]
    partner, unmatched = match(tokens)
    if max(len(tokens.errors), len(unmatched)) >= MAX_ERRORS:
        return empty, _in_order([found for _, found in (*tokens.errors, *unmatched)])
    return _Parsing(tokens, partner, unmatched).run()


def parse_expression(source: Source, start: int = 0) -> tuple[syntax.Expr | None, list[Diagnostic]]:
    """The expression that stands alone from `start` on, as in `--set name=value`. Never raises."""
    refusal = _too_long(source)
    if refusal:
        return None, [refusal]
    tokens = scan(source, start)
    refusal = too_deep(tokens)
    if refusal:
        return None, [refusal]
    if tokens.errors or tokens.slips:
        return None, _in_order([*tokens.slips, *(found for _, found in tokens.errors)])
    if not tokens.all:
        return None, [Diagnostic("E0125", "a value is missing", Span(source, start, len(source.text)))]
    _, unmatched = match(tokens)
    item = Item(0, "_K_DATA", len(tokens.all))
    found = unmatched[0][1] if unmatched else check(tokens, item, _is_expression)
    if found:
        return None, [found]
    tree = parse_tokens(tokens.all, "expr")
    if isinstance(tree, Refused):
        return None, [explain(tokens, item, tree.index, tree.accepted, _is_expression)]
    return Builder(source).expression(tree), []


def _too_long(source: Source) -> Diagnostic | None:
    size = len(source.text)
    if size <= MAX_TEXT_BYTES:
        size = len(source.text.encode("utf-8", "surrogatepass"))
    if size <= MAX_TEXT_BYTES:
        return None
    return Diagnostic(
        "E0102", f"the file is longer than {MAX_TEXT_BYTES // 1024} KiB", Span(source, 0, 0), help=(_LONG,)
    )


def _without_lines(source: Source) -> Diagnostic | None:
    """A file as old Macs wrote them would be one line, and a comment from its first `#` on."""
    if "\n" in source.text or "\r" not in source.text.rstrip("\r"):
        return None
    remedy = "save it with line feeds (LF, or CR LF)"
    return Diagnostic("E0104", "the lines end with carriage returns alone", Span(source, 0, 0), help=(remedy,))


_EMPTY = f"the smallest file is a model: {MODEL}"
_LONG = "large tables belong in a file of their own, read by `csv`"


def _is_expression(text: str) -> bool:
    tokens = scan(Source("", text))
    return not (tokens.errors or tokens.slips) and not isinstance(parse_tokens(tokens.all, "expr"), Refused)


class _Parsing:
    """The parse of one file, whose statements turn out sound or broken."""

    def __init__(self, tokens: Tokens, partner: list[int], unmatched: list[tuple[int, Diagnostic]]) -> None:
        self.tokens, self.source, self.partner = tokens, tokens.source, partner
        self.findings = list(tokens.slips)
        self.items = Splitter(tokens, self.partner).file()
        self.leaves = [leaf for item in self.items for leaf in item.leaves()]
        self.firsts = [leaf.first for leaf in self.leaves]
        for item in self.items:
            if item.headless(tokens):
                self._note(item, check(tokens, item, _is_expression))
        broken_starts = {item.first for item in self.leaves if item.broken}
        for index, found in tokens.errors:
            item = self._item_of(index)
            if item.first not in broken_starts:
                self._note(item, found)
        for index, found in unmatched:  # in a statement that is broken already they are likely a consequence
            item = self._item_of(index)
            if index == item.brace:
                self.findings.append(found)
            elif not item.broken:
                self._note(item, found)

    def _item_of(self, index: int) -> Item:
        """The statement that a token belongs to."""
        place = bisect_right(self.firsts, index) - 1
        while place > 0 and index >= self.leaves[place].last:  # the `}` of a section stands after its last statement
            place -= 1
        return self.leaves[max(place, 0)]

    def run(self) -> tuple[syntax.File, list[Diagnostic]]:
        headless, block, previous = False, -1, self.leaves[0]
        for item in self.leaves:
            block = block if indent(self.tokens, item.first) > block else -1
            continues = previous.broken and previous.section == item.section and not self.tokens.breaks[item.first]
            if block >= 0 or continues:
                item.broken = True  # the body of what is no block here (Python's `def f(x):`), or of a line said wrong
            elif not item.broken and len(self.findings) < MAX_ERRORS:
                found = check(self.tokens, item, _is_expression)
                if found and found.code == "E0129" and headless and not item.section:
                    item.broken = True  # the statements of a section whose head is lost are one finding
                else:
                    self._note(item, found)
                    headless = bool(found and found.code in _HEADLESS and not item.section)
            if item.broken and block < 0 and self._opens_block(item):
                block = indent(self.tokens, item.first)
            previous = item
            if item.broken:
                self._repair(item)
        for item in self.items:
            self._check_returns(item)
        refused: Refused | None = None
        if not self.findings:
            tree = parse_tokens(self.tokens.all)
            if isinstance(tree, Tree):
                return Builder(self.source).file(tree), []
            refused = tree if isinstance(tree, Refused) else None
        for item in self.leaves:
            if len(self.findings) < MAX_ERRORS and not item.broken and UNKNOWN not in (item.section, item.heads):
                self._note(item, self._parse_alone(item))
        if refused is not None and not self.findings:  # all statements are sound, what stands between them is not
            item = self._item_of(refused.index)
            self._note(item, explain(self.tokens, item, refused.index, refused.accepted, _is_expression))
        if len(self.findings) >= MAX_ERRORS:
            return syntax.File(Span(self.source, 0, len(self.source.text)), ()), _in_order(self.findings)
        tree = parse_tokens(self._sound())
        assert isinstance(tree, Tree), "statements that are sound alone are sound together"
        return Builder(self.source).file(tree), _in_order(self.findings)

    def _note(self, item: Item, found: Diagnostic | None) -> None:
        if found and len(self.findings) < MAX_ERRORS:
            self.findings.append(found)
            item.broken = True

    def _opens_block(self, item: Item) -> bool:
        """Does a line of the statement end with `:`?"""
        return any(
            self.tokens.kind(i) == "_COLON" and (i + 1 == len(self.tokens.all) or self.tokens.breaks[i + 1])
            for i in item.own()
        )

    def _repair(self, item: Item) -> None:
        """Reads a misspelled section as the one it resembles, so that its statements count."""
        if item.heads in _HEADS and self.tokens.kind(item.first) == "NAME":
            word = self.tokens.all[item.first]
            self.tokens.all[item.first] = Token(item.heads, str(word), start_pos=word.start_pos, end_pos=word.end_pos)
            item.broken = False

    def _parse_alone(self, item: Item) -> Diagnostic | None:
        """Parses one statement inside a section made for it, or the head of a section without its statements."""
        tokens = item.own()
        head = [Token(*word) for word in _HEADS.get(item.section, ())]
        foot = [self._closing(tokens.stop)] if item.section or item.brace >= 0 else []
        tree = parse_tokens([*head, *self.tokens.all[tokens.start : tokens.stop], *foot])
        if not isinstance(tree, Refused):
            return None
        index = tokens.start + tree.index - len(head)
        return explain(self.tokens, item, max(tokens.start, min(index, tokens.stop)), tree.accepted, _is_expression)

    def _closing(self, index: int) -> Token:
        """A `}` of no width, in the place of one that is missing."""
        end = self.tokens.span(index - 1).end
        return Token("_RBRACE", "}", start_pos=end, end_pos=end)

    def _sound(self) -> Iterator[Token]:
        """The tokens of all sound statements, sections whose `}` is missing closed."""
        for item in self.items:
            if item.broken or item.heads == UNKNOWN:
                continue
            for index in item.own():
                yield self.tokens.all[index]
            for inner in item.inner:
                if not inner.broken:
                    yield from self.tokens.all[inner.first : inner.last]
            if item.brace >= 0:
                closed = self.partner[item.brace] > item.brace
                yield self.tokens.all[item.close] if closed else self._closing(item.last)

    def _check_returns(self, item: Item) -> None:
        """A block has one `return`, its last statement."""
        if self.tokens.kind(item.first) != "_K_BLOCK" or item.brace < 0 or item.broken:
            return
        returns = [inner for inner in item.inner if self.tokens.kind(inner.first) == "_K_RETURN"]
        written = any(self.tokens.kind(i) == "_K_RETURN" for i in range(item.brace, item.last))
        if not written and not any(inner.broken for inner in item.inner):
            place = self.tokens.span(item.first, item.first + 1)
            self.findings.append(
                Diagnostic("E0126", "this block returns nothing", place, help=("its last line is `return ...`",))
            )
        for inner in item.inner:
            if returns and inner.first > returns[0].first and not inner.broken:
                again = inner in returns
                message = "a block has one `return`" if again else "nothing is reached after `return`"
                label = Label(self.tokens.span(returns[0].first), "returns here")
                self._note(inner, Diagnostic("E0126", message, self.tokens.span(inner.first), labels=(label,)))


def _merge_repeated(ordered: list[Diagnostic]) -> list[Diagnostic]:
    """The findings, with repeated ones about the same stray character or name reported once: they have one cause."""
    by_message: dict[str, list[Diagnostic]] = {}
    stages = {found.span for found in ordered if found.code == "E0125"}  # `-> 'relu'`: quotes of no kind
    for found in ordered:
        if found.code == _STRAY and not (found.span in stages and found.message == QUOTES):
            by_message.setdefault(found.message, []).append(found)
    merged = {id(group[0]): _repeated(group) for group in by_message.values()}
    return [merged.get(id(found), found) for found in ordered if found.code != _STRAY or id(found) in merged]


def _repeated(group: list[Diagnostic]) -> Diagnostic:
    first, *rest = group
    if not rest or rest[0].span is None:
        return first
    line = rest[0].span.source.position(rest[0].span.start)[0]
    repetition = f"once more, in line {line}" if len(rest) == 1 else f"{len(rest)} more times, next in line {line}"
    return replace(first, notes=(*first.notes, f"the same {repetition}"))


def _in_order(findings: list[Diagnostic]) -> list[Diagnostic]:
    """In the order of the text, at most `MAX_FINDINGS`; the last one gives the number of the others."""
    ordered = _merge_repeated(sorted(findings, key=lambda found: found.span.start if found.span else -1))
    if len(ordered) <= MAX_FINDINGS:
        return ordered
    rest = len(ordered) - MAX_FINDINGS
    more = Diagnostic("E0199", f"{rest} more syntax errors are not shown", ordered[MAX_FINDINGS].span, "the next")
    return [*ordered[:MAX_FINDINGS], more]
