"""What a loop runs over, decided when the file is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .. import syntax
from .context import Context
from .scopes import Entry, Scope
from .values import POISON, MultiValue, Value, describe, has_poison, is_number, show


def whole_count(cx: Context, expr: syntax.Expr) -> int | None:
    """The count of `repeat`; None, and reported, where it is none."""
    value = cx.static(expr)
    if value is POISON:
        return None
    if not is_number(value):
        cx.error("E0310", f"`repeat` takes a whole number, but this is {describe(value)}", expr.span)
        return None
    if value != int(value):
        cx.error("E0311", f"`repeat` takes a whole number, but this is {show(value)}", expr.span)
        return None
    if value < 0:
        cx.error("E0312", f"`repeat` takes a number from 0 up, but this is {show(value)}", expr.span)
        return None
    return int(value)


def items_of(cx: Context, names: Sequence[syntax.Name], domain: syntax.Expr) -> Iterator[tuple[Scope, str]] | None:
    """For each turn the scope with the loop's names, and what the trace says; None where it was reported why not."""
    values = _values(cx, domain)
    if values is None:
        return None
    valid = True
    probe = Scope(cx.scope)
    inner = cx.derive(scope=probe)
    for name in names:
        errors = cx.shared.report.errors
        inner.define(Entry("loop", name, POISON))
        valid &= cx.shared.report.errors == errors
    if not valid or not _fits(cx, names, values, domain):
        return None
    return _scopes(cx, names, values)


def _scopes(cx: Context, names: Sequence[syntax.Name], values: Sequence[Value]) -> Iterator[tuple[Scope, str]]:
    for value in values:
        parts = (value,) if len(names) == 1 else value
        assert isinstance(parts, tuple)
        entries = {name.text: Entry("loop", name, part) for name, part in zip(names, parts)}
        what = ", ".join([f"{name.text} = {show(part)}" for name, part in zip(names, parts)])
        yield Scope(cx.scope, names=entries), f"for {what}"


def _fits(cx: Context, names: Sequence[syntax.Name], values: Sequence[Value], domain: syntax.Expr) -> bool:
    if len(names) == 1:
        return True
    for i, value in enumerate(values):
        if not isinstance(value, tuple) or len(value) != len(names):
            span = domain.items[i].span if isinstance(domain, syntax.List) and i < len(domain.items) else domain.span
            has = f"{len(value)}" if isinstance(value, tuple) else describe(value)
            cx.error("E0318", f"each item must have {len(names)} values, but this has {has}", span)
            return False
    return True


def _values(cx: Context, domain: syntax.Expr) -> Sequence[Value] | None:
    if isinstance(domain, syntax.Range):
        bounds = []
        for expr in (domain.first, domain.last):
            value = cx.static(expr)
            if value is POISON:
                return None
            if not is_number(value) or value != int(value):
                cx.error(
                    "E0311", f"a range goes from one whole number to another, but this is {describe(value)}", expr.span
                )
                return None
            bounds.append(int(value))
        return range(bounds[0], bounds[1] + 1)
    value = cx.evaluate(domain)
    if has_poison(value):
        return None
    if isinstance(value, MultiValue):
        cx.unnamed(value, domain.span)
        return None
    if not isinstance(value, tuple):
        cx.error(
            "E0318",
            f"`for` runs over a list or a range, but this is {describe(value)}",
            domain.span,
            help=[f"`1..{domain.span.text}`"] if is_number(value) else [],
        )
        return None
    return value
