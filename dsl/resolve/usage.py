"""Tracking of used names; those in a branch that is not taken count as used."""

from __future__ import annotations

from collections.abc import Iterator

from .. import syntax
from .context import Context

Part = syntax.Expr | syntax.Stage | syntax.Repeat | syntax.For | syntax.Argument


def paths_in(expr: syntax.Expr) -> Iterator[syntax.Path]:
    """All dotted names in an expression, those of functions included."""
    pending: list[Part] = [expr]
    while pending:
        match pending.pop():
            case syntax.Path() as path:
                yield path
            case syntax.Call(_, function, arguments):
                yield function
                pending.extend(arguments)
            case syntax.Stage(_, function, stage_arguments, _):
                yield function
                pending.extend(stage_arguments or ())
            case syntax.Argument(_, _, value):
                pending.append(value)
            case syntax.List(_, items):
                pending.extend(items)
            case syntax.Unary(_, _, operand):
                pending.append(operand)
            case syntax.Binary(_, _, left, right) | syntax.Range(_, left, right):
                pending += [left, right]
            case syntax.If(_, condition, then, otherwise):
                pending += [condition, then, otherwise]
            case syntax.Each(_, _, domain, body):
                pending += [domain, body]
            case syntax.Repeat(_, count, steps):
                pending.append(count)
                pending.extend(steps)
            case syntax.For(_, _, domain, steps):
                pending.append(domain)
                pending.extend(steps)
            case syntax.Pipe(_, source, steps):
                pending.append(source)
                pending.extend(steps)
            case _:
                pass


def skip(cx: Context, expr: syntax.Expr) -> None:
    """Mark the names in a branch that is not taken as used, once per branch."""
    if id(expr) in cx.shared.skipped:
        return
    cx.shared.skipped.add(id(expr))
    for path in paths_in(expr):
        entry = cx.scope.find(path.parts[0].text)
        if entry is not None:
            cx.use(entry)
