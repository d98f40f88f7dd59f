"""A program as Python text over an array module `xp`: straight lines that a person could have written, for NumPy and
CuPy alike."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..ir import Eqn, Operand, Program, Var, fill, literal, names, text_of


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
        results = ", ".join(var[v] for v in eqn.outputs)
        lines.append(f"    {results} = {expression(eqn, var)}")
    if program.updates:
        lines.append("    # the new state, written when everything that reads the old one is done")
    indent = "    "
    if program.guard is not None:
        lines.append(f"    if {var[program.guard]}:")
        indent = "        "
    lines += [f"{indent}{var[state]}[...] = {var[value]}" for state, value in program.updates]
    returned = ", ".join(var[v] for v in program.outputs)
    lines.append(f"    return ({returned}{',' if len(program.outputs) == 1 else ''})")
    return "\n\n\n".join((*helper_texts(program.eqns).values(), "\n".join(lines))) + "\n"


def expression(eqn: Eqn, var: Mapping[Var, str]) -> str:
    """The right-hand side of an equation."""
    return fill(text_of(eqn.op, eqn.params), [operand_text(x, var) for x in eqn.inputs])


def operand_text(operand: Operand, var: Mapping[Var, str]) -> str:
    """A value's name, or a literal."""
    if isinstance(operand, Var):
        return var[operand]
    text = literal(operand)
    # A sign in front would bind to what stands before it.
    return f"({text})" if text.startswith("-") else text


def helper_texts(eqns: Iterable[Eqn]) -> dict[str, str]:
    """The texts of the functions that equations call, by name, each once, in the order of first use."""
    found = {helper.__name__: helper for eqn in eqns for helper in eqn.op.helpers}
    return {name: _plain(inspect.getsource(helper)) for name, helper in found.items()}


def _plain(source: str) -> str:
    """A helper's text without the annotations and marks that speak to the project's own checkers."""
    return source.replace(": Any", "").replace(" -> Any", "").replace("  # fmt: skip", "").replace(": int", "").strip()


def compile_source(text: str, name: str, xp: Any) -> Callable[..., tuple[Any, ...]]:
    """The function `name` of a rendered text, running on the array module `xp`."""
    scope: dict[str, Any] = {"xp": xp}
    exec(compile(text, f"<gpubp {name}>", "exec"), scope)
    function: Callable[..., tuple[Any, ...]] = scope[name]
    return function
