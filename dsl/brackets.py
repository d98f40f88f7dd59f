"""Matching of brackets, and errors for those that are unbalanced."""

from __future__ import annotations

import re

from .diagnostics import Diagnostic, Label
from .limits import HEIGHT, NESTING
from .tokens import MAX_ERRORS, Tokens
from .wording import short

OPENERS = {"_LPAR": "_RPAR", "_LSQB": "_RSQB", "_LBRACE": "_RBRACE"}
CLOSERS = {closer: opener for opener, closer in OPENERS.items()}

_FILE_STATEMENTS = {  # what must follow for the word to begin a statement of the file
    "_K_IMPORT": "STRING", "_K_PARAM": "NAME", "_K_LET": "NAME", "_K_FN": "NAME", "_K_BLOCK": "NAME",
    "_K_DATA": "_LBRACE", "_K_MODEL": "_LBRACE", "_K_TRAIN": "_LBRACE",
}  # fmt: skip
_SECTION_STATEMENTS = {"_K_INPUT": "NAME", "_K_TARGET": "NAME", "_K_OUTPUT": "NAME", "_K_LAYER": "NAME"}
_BLANKS = re.compile(r"[ \t]*+")
_DEEPENING = frozenset({"PLUS", "MINUS", "TIMES", "POWER", "COMPARE", "_K_IF"})
_ENDING = frozenset({"_COMMA", "_EQUAL", "_ARROW"})
_GOING_ON = frozenset({"_ARROW", "_RPAR", "_RSQB"})
"""What follows the `}` of a loop, never that of a section."""
_AHEAD = 500
"""So many tokens behind a bracket of the wrong kind are looked at."""
_LOOPS = frozenset({"_K_REPEAT", "_K_FOR"})

_PARTS = "give a part of it a name of its own: `part = ...`"


def too_deep(tokens: Tokens) -> Diagnostic | None:
    """The finding for a file that nests deeper than `NESTING` brackets or `HEIGHT` levels of any kind, if it does.

    Counts an upper bound: each operator may have all that stands in its expression below it.
    """
    # For each open bracket: operators and brackets' height in the running expression, height of those before.
    levels = [(0, 0, 0)]
    for index, token in enumerate(tokens.all):
        kind = token.type
        operators, inside, earlier = levels[-1]
        if kind in OPENERS:
            levels.append((0, 0, 0))
            if len(levels) > NESTING + 1:
                message, remedy = f"brackets nest deeper than {NESTING} levels", "leave out those that change nothing"
                remedy += f", or {_PARTS}"
                return Diagnostic("E0103", message, tokens.span(index), "one too deep", help=(remedy,))
        elif kind in CLOSERS:
            if len(levels) > 1:
                levels.pop()
                height = max(earlier, operators + inside) + 1
                operators, inside, earlier = levels[-1]
                levels[-1] = (operators, max(inside, height), earlier)
        elif kind in _DEEPENING:
            levels[-1] = (operators + 1, inside, earlier)
            if operators + 1 + inside > HEIGHT:
                message = f"this expression has more than {HEIGHT} levels of operators, brackets and `if`"
                return Diagnostic("E0103", message, tokens.span(index), "one too many", help=(_PARTS,))
        elif kind in _ENDING:
            levels[-1] = (0, 0, max(earlier, operators + inside))
    return None


def match(tokens: Tokens) -> tuple[list[int], list[tuple[int, Diagnostic]]]:
    """For each token the index of the bracket that matches it, else -1; and errors with the index of their token.

    In a valid file, a stack suffices. In a broken one, line starts and indentation show which bracket is missing.
    """
    partner, errors = _match(tokens, use_lines=False)
    return _match(tokens, use_lines=True) if errors else (partner, errors)


def _match(tokens: Tokens, *, use_lines: bool) -> tuple[list[int], list[tuple[int, Diagnostic]]]:
    partner = [-1] * len(tokens.all)
    errors: list[tuple[int, Diagnostic]] = []
    stack: list[int] = []

    def close(index: int) -> None:
        opener = stack.pop()
        partner[opener], partner[index] = index, opener

    def forget(count: int, before: int) -> None:
        for place, opener in enumerate(stack[count:], count):
            if place > count and stack[place - 1] == opener - 1:
                continue  # `((((` is one finding
            errors.append((opener, _unclosed(tokens, opener, before)))
        del stack[count:]

    for index, token in enumerate(tokens.all):
        if len(errors) >= MAX_ERRORS:
            return partner, errors
        kind = token.type
        if use_lines and stack and tokens.breaks[index]:
            if _FILE_STATEMENTS.get(kind) == tokens.kind(index + 1):
                forget(0, index)
            elif _begins_statement(tokens, index, stack):
                braces = [depth for depth, opener in enumerate(stack) if tokens.kind(opener) == "_LBRACE"]
                forget(braces[-1] + 1 if braces else 0, index)
        if kind in OPENERS:
            stack.append(index)
        elif kind in CLOSERS:
            depth = _depth_of(tokens, index, stack, use_lines)
            if depth is not None:
                forget(depth + 1, index)
                close(index)
            elif stack and _may_cross(tokens, stack, index):
                errors.append((index, _crossed(tokens, stack[-1], index)))
                close(index)
            else:
                errors.append((index, _unopened(tokens, index, partner)))
    forget(0, len(tokens.all))
    return partner, errors


def _depth_of(tokens: Tokens, closer: int, stack: list[int], use_lines: bool) -> int | None:
    """The position in the stack of the bracket that a closer matches; parentheses never extend beyond a brace."""
    opener = CLOSERS[tokens.kind(closer)]
    outermost: int | None = None
    for depth in range(len(stack) - 1, -1, -1):
        kind = tokens.kind(stack[depth])
        if kind == opener:
            if not use_lines or opener != "_LBRACE":
                return depth
            same_line = _line(tokens, stack[depth]) == _line(tokens, closer)
            if same_line or (tokens.breaks[closer] and indent(tokens, stack[depth]) <= indent(tokens, closer)):
                return depth
            if not tokens.breaks[closer]:
                loop = tokens.kind(closer + 1) in _GOING_ON or _loop(tokens, closer)
                return depth if depth == len(stack) - 1 and not loop else None
            outermost = depth if outermost is None else outermost
        elif kind == "_LBRACE" and opener != "_LBRACE":
            return None
    return outermost


def _may_cross(tokens: Tokens, stack: list[int], closer: int) -> bool:
    """Whether a closer of the wrong kind may be a typo for that of the innermost opener: not where as many closers
    follow as there are open brackets; a `}` only if it ends the opener's line."""
    opener = stack[-1]
    if tokens.kind(opener) == "_LBRACE":
        return False
    if tokens.kind(closer) == "_RBRACE":
        last = closer + 1 == len(tokens.all) or tokens.breaks[closer + 1]
        return last and _line(tokens, opener) == _line(tokens, closer)
    open = next((n for n, i in enumerate(reversed(stack)) if tokens.kind(i) == "_LBRACE"), len(stack))
    inner = 0
    for index in range(closer + 1, min(closer + _AHEAD, len(tokens.all))):
        kind = tokens.kind(index)
        if kind in OPENERS:
            inner += 1
        elif kind in CLOSERS and inner:
            inner -= 1
        elif kind == "_RBRACE" or (tokens.breaks[index] and _begins_statement(tokens, index, stack)):
            break
        elif kind in CLOSERS:
            open -= 1
    return open > 0


def _begins_statement(tokens: Tokens, index: int, stack: list[int]) -> bool:
    """Whether a line inside an open bracket looks like the next statement, so that the bracket was never closed."""
    opener = stack[-1]
    if tokens.kind(opener) == "_LBRACE":
        return False
    kind, following = tokens.kind(index), tokens.kind(index + 1)
    if _SECTION_STATEMENTS.get(kind) == following:
        return True
    return kind == "NAME" and following == "_EQUAL" and indent(tokens, index) <= indent(tokens, opener)


def _line(tokens: Tokens, index: int) -> int:
    return tokens.source.position(tokens.span(index).start)[0]


def indent(tokens: Tokens, index: int) -> int:
    """The indentation of a token's line, in characters."""
    blanks = _BLANKS.match(tokens.source.text, tokens.source.line_starts[_line(tokens, index) - 1])
    return len(blanks[0]) if blanks else 0


def _unclosed(tokens: Tokens, opener: int, before: int) -> Diagnostic:
    labels = (Label(tokens.span(before), "should be closed before this"),) if before < len(tokens.all) else ()
    bracket = tokens.all[opener]
    closing = {"(": ")", "[": "]", "{": "}"}[str(bracket)]
    helps = () if labels or bracket != "{" else ("add `}` on a line of its own at the end",)
    message = f"this `{bracket}` is never closed"
    return Diagnostic("E0108", message, tokens.span(opener), f"`{closing}` is missing", labels, help=helps)


def _unopened(tokens: Tokens, closer: int, partner: list[int]) -> Diagnostic:
    """The finding for a closer without an opener, with what lacks one if it stands in the same line."""
    bracket, remedy = str(tokens.all[closer]), "delete it"
    first = _value_start(tokens, closer)
    written = _call(tokens, first, closer) if bracket == ")" else _loop(tokens, closer) if bracket == "}" else ""
    if written:
        remedy = f"open it: `{short(written, 60)}`"
    elif bracket == "]" and first < closer and partner[first] != closer - 1:
        remedy = f"delete it, or open it: `[{short(tokens.span(first, closer).text, 60)}`"
    return Diagnostic("E0109", f"`{bracket}` closes nothing", tokens.span(closer), help=(remedy,))


def _value_start(tokens: Tokens, end: int, loop: bool = False) -> int:
    """Where the value or the type before a token begins, in the same line: after `=`, `:`, a bracket, or an `in` that
    heads no loop."""
    first, depth = end, 0
    while first > 0 and not tokens.breaks[first]:
        kind = tokens.kind(first - 1)
        if depth == 0 and (kind in OPENERS or kind in ("_EQUAL", "_COLON") or (kind == "_K_IN" and not loop)):
            break
        depth += (kind in CLOSERS) - (kind in OPENERS)
        first -= 1
    return first


def _call(tokens: Tokens, first: int, closer: int) -> str:
    """`dense(8)` where `dense 8)` is written; "" where no name stands beside a value."""
    for index in range(closer - 1, first, -1):
        if tokens.kind(index - 1) == "NAME" and tokens.kind(index) in ("NAME", "NUMBER", "STRING", "TRUTH", "PI"):
            return f"{tokens.all[index - 1]}({tokens.span(index, closer).text}"
    return ""


def _loop(tokens: Tokens, closer: int) -> str:
    """`repeat 2 { relu }` where `repeat 2 relu }` is written; "" where it is not plain where the stages begin."""
    first = _value_start(tokens, closer, loop=True)
    loop = next((i for i in range(closer - 1, first - 1, -1) if tokens.kind(i) in _LOOPS), closer)
    for index in range(loop + 2, closer):
        if tokens.kind(index) == "NAME" and tokens.kind(index - 1) in ("NAME", "NUMBER", "_RPAR", "_RSQB"):
            return f"{tokens.span(loop, index - 1).text} {{ {tokens.span(index, closer).text}"
    return ""


def _crossed(tokens: Tokens, opener: int, closer: int) -> Diagnostic:
    closing = {"(": ")", "[": "]"}[str(tokens.all[opener])]
    message = f"`{tokens.all[opener]}` is closed by `{tokens.all[closer]}`"
    return Diagnostic(
        "E0108", message, tokens.span(closer), f"should be `{closing}`", (Label(tokens.span(opener), "opened here"),)
    )
