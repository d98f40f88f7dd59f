"""A program as Python text over an array module `xp`: straight lines that a person could have written, for NumPy and
CuPy alike."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ..ir import Eqn, Operand, Program, Var, fill, names, text_of


def python_source(
    program: Program, name: str, hints: Mapping[Var, str] | None = None, describe: Callable[[object], str] = str
) -> str:
    """The function `name(inputs...)` that runs the program, with the helper functions it calls before it.

    States among the inputs are updated in place; the outputs are returned as a tuple. `hints`: readable names of
    values; `describe` makes the comment that stands before the equations of one origin. Needs nothing but `xp`.
    """
    var = names(program, hints)
    lines = [f"def {name}({', '.join(var[v] for v in program.inputs)}):"]
    origin: object = None
    for eqn in program.eqns:
        if eqn.origin is not origin and eqn.origin is not None:
            lines.append(f"    # {describe(eqn.origin)}")
            origin = eqn.origin
        lines.append(f"    {var[eqn.output]} = {_expression(eqn, var)}")
    if program.updates:
        lines.append("    # the new state, written when everything that reads the old one is done")
    lines += [f"    {var[state]}[...] = {var[value]}" for state, value in program.updates]
    returned = ", ".join(var[v] for v in program.outputs)
    lines.append(f"    return ({returned}{',' if len(program.outputs) == 1 else ''})")
    return "\n\n\n".join((*_helpers(program), "\n".join(lines))) + "\n"


def _expression(eqn: Eqn, var: Mapping[Var, str]) -> str:
    return fill(text_of(eqn.op, eqn.params), [_operand(x, var) for x in eqn.inputs])


def _operand(operand: Operand, var: Mapping[Var, str]) -> str:
    if isinstance(operand, Var):
        return var[operand]
    text = repr(operand)
    if text in ("inf", "-inf", "nan"):
        return f'float("{text}")'
    # A sign in front would bind to what stands before it.
    return f"({text})" if text.startswith("-") else text


def _helpers(program: Program) -> list[str]:
    """The texts of the functions that the equations call, each once, in the order of first use."""
    found: dict[str, Callable[..., Any]] = {}
    for eqn in program.eqns:
        for helper in eqn.op.helpers:
            found.setdefault(helper.__name__, helper)
    return [_plain(inspect.getsource(helper)) for helper in found.values()]


def _plain(source: str) -> str:
    """A helper's text without the annotations and marks that speak to the project's own checkers."""
    return source.replace(": Any", "").replace(" -> Any", "").replace("  # fmt: skip", "").replace(": int", "").strip()


def compile_source(text: str, name: str, xp: Any) -> Callable[..., tuple[Any, ...]]:
    """The function `name` of a rendered text, running on the array module `xp`."""
    scope: dict[str, Any] = {"xp": xp}
    exec(compile(text, f"<gpubp {name}>", "exec"), scope)
    function: Callable[..., tuple[Any, ...]] = scope[name]
    return function
