"""A program as straight-line, readable Python over an array module `xp`, for NumPy and CuPy alike."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from itertools import count
from types import CodeType
from typing import Any

from ..ir import Eqn, Operand, Program, Var, bodies, fill, literal, names, text_of


def python_source(
    program: Program, name: str, hints: Mapping[Var, str] | None = None, describe: Callable[[object], str] = str
) -> str:
    """The function `name(inputs...)` that runs the program, preceded by the helper functions it calls.

    States among the inputs are updated in place; the outputs are returned as a tuple. `hints`: readable names of
    values; `describe` returns the comment before the equations of one origin. The body of a loop is a separate
    function, before the one that runs it. Needs nothing but `xp`.
    """
    functions = body_names(program.eqns, {name})
    texts = [_function(body, known, {}, describe, functions) for body, known in functions.items()]
    texts.append(_function(program, name, hints or {}, describe, functions))
    return "\n\n\n".join((*helper_texts(program.eqns).values(), *texts)) + "\n"


def _function(
    program: Program,
    name: str,
    hints: Mapping[Var, str],
    describe: Callable[[object], str],
    functions: Mapping[Program, str],
) -> str:
    var = names(program, hints, functions.values())
    lines = [f"def {name}({', '.join(var[v] for v in program.inputs)}):"]
    origin: object = None
    for eqn in program.eqns:
        if eqn.origin is not origin and eqn.origin is not None:
            lines.append(f"    # {describe(eqn.origin)}")
            origin = eqn.origin
        results = ", ".join(var[v] for v in eqn.outputs)
        lines.append(f"    {results} = {expression(eqn, var, functions)}")
    if program.updates:
        lines.append("    # the new state, stored after the last read of the old one")
    indent = "    "
    if program.guard is not None:
        lines.append(f"    if {var[program.guard]}:")
        indent = "        "
    lines += [f"{indent}{var[state]}[...] = {var[value]}" for state, value in program.updates]
    returned = ", ".join(var[v] for v in program.outputs)
    lines.append(f"    return ({returned}{',' if len(program.outputs) == 1 else ''})")
    return "\n".join(lines)


def body_names(eqns: Iterable[Eqn], taken: Collection[str]) -> dict[Program, str]:
    """A name, avoiding `taken`, for the function of each body among the equations, inner ones first."""
    taken = {*taken, *(helper.__name__ for eqn in deep(eqns) for helper in eqn.op.helpers)}
    fresh = (name for i in count(1) if (name := f"body_{i}" if i > 1 else "body") not in taken)
    found = (body for eqn in deep(eqns) for body in bodies(eqn))
    return {body: next(fresh) for body in dict.fromkeys(found)}


def deep(eqns: Iterable[Eqn]) -> Iterator[Eqn]:
    """The equations, each after those of its bodies."""
    for eqn in eqns:
        for body in bodies(eqn):
            yield from deep(body.eqns)
        yield eqn


def expression(eqn: Eqn, var: Mapping[Var, str], functions: Mapping[Program, str]) -> str:
    """The right-hand side of an equation."""
    return fill(text_of(eqn.op, eqn.params, functions), [operand_text(x, var) for x in eqn.inputs])


def operand_text(operand: Operand, var: Mapping[Var, str]) -> str:
    """A value's name, or a literal."""
    if isinstance(operand, Var):
        return var[operand]
    text = literal(operand)
    # A minus sign would bind to what precedes it.
    return f"({text})" if text.startswith("-") else text


def helper_texts(eqns: Iterable[Eqn]) -> dict[str, str]:
    """The source of the functions that equations call, by name, each once, in order of first use."""
    found = {helper.__name__: helper for eqn in deep(eqns) for helper in eqn.op.helpers}
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
