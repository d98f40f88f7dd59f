"""Equations as readable Python over an array module `xp`, for NumPy and CuPy alike, and its compilation."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from types import CodeType
from typing import Any

from ..ir import Eqn, Operand, Var, fill, literal, text_of


def expression(eqn: Eqn, var: Mapping[Var, str]) -> str:
    """The right-hand side of an equation."""
    return fill(text_of(eqn.op, eqn.params), [operand_text(x, var) for x in eqn.inputs])


def operand_text(operand: Operand, var: Mapping[Var, str]) -> str:
    """A value's name, or a literal."""
    if isinstance(operand, Var):
        return var[operand]
    text = literal(operand)
    # A minus sign would bind to what precedes it.
    return f"({text})" if text.startswith("-") else text


def helper_texts(eqns: Iterable[Eqn]) -> dict[str, str]:
    """The source of the functions that equations call, by name, each once, in order of first use."""
    found = {helper.__name__: helper for eqn in eqns for helper in eqn.op.helpers}
    return {name: _plain(helper) for name, helper in found.items()}


@cache
def _plain(helper: Callable[..., Any]) -> str:
    """A helper's source without the annotations and pragmas for the project's own checkers. Cached, since inspect reads
    the file each time."""
    source = inspect.getsource(helper)
    return source.replace(": Any", "").replace(" -> Any", "").replace("  # fmt: skip", "").replace(": int", "").strip()


def compile_source(text: str, name: str, xp: Any, **more: Any) -> Callable[..., tuple[Any, ...]]:
    """The function `name` of rendered source, with the array module `xp` and the names in `more`."""
    scope: dict[str, Any] = {"xp": xp, **more}
    exec(_code(text, name), scope)
    function: Callable[..., tuple[Any, ...]] = scope[name]
    return function


@lru_cache(64)
def _code(text: str, name: str) -> CodeType:
    """Cached: executors of one net have the same source, and compiling it takes Python longer than most steps."""
    return compile(text, f"<gpubp {name}>", "exec")
