"""The evaluator: interprets a program equation by equation. Slow and simple: the reference for everything faster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from types import CodeType, MappingProxyType
from typing import Any

from .program import Program
from .values import Eqn, Operand, Primitive, Var

Functions = Mapping[Program, str]
"""The names of the functions for bodies."""
_NONE: Functions = MappingProxyType({})


def text_of(op: Primitive, params: Mapping[str, Any], functions: Functions = _NONE) -> str:
    """The primitive's code over `xp` with its params filled in; `{0}`, `{1}` still stand for the inputs."""
    return with_params(op.numpy if isinstance(op.numpy, str) else op.numpy(**params), params, functions)


def with_params(template: str, params: Mapping[str, Any], functions: Functions = _NONE) -> str:
    """A template with its params filled in; a body is replaced by the name of its function."""
    for key, value in params.items():
        place = f"{{{key}}}"
        if place in template:
            text = (
                functions[value] if isinstance(value, Program) else value if isinstance(value, str) else literal(value)
            )
            template = template.replace(place, text)
    return template


def literal(value: object) -> str:
    """A number or tuple as Python source without names."""
    text = repr(value)
    return f'float("{text}")' if text in ("inf", "-inf", "nan") else text


def apply(op: Primitive, xp: Any, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    """Apply one primitive to concrete arrays of the array module `xp`."""
    formals = [f"a{i}" for i in range(len(inputs))]
    arguments = ", ".join(("xp", *formals))
    scope: dict[str, Any] = {helper.__name__: helper for helper in op.helpers}
    functions = {body: key for key, body in params.items() if isinstance(body, Program)}
    scope |= {key: partial(_call, body, xp) for body, key in functions.items()}
    code = _compiled(f"lambda {arguments}: {fill(text_of(op, params, functions), formals)}")
    function: Callable[..., Any] = eval(code, scope)
    return function(xp, *inputs)


@lru_cache(maxsize=4096)
def _compiled(text: str) -> CodeType:
    """The compiled expression, shared by loop iterations and by many programs."""
    return compile(text, "<gpubp>", "eval")


def _call(body: Program, xp: Any, *arrays: Any) -> list[Any]:
    return evaluate(body, arrays, xp)


def fill(template: str, operands: Sequence[str]) -> str:
    """Substitute operands for `{0}`, `{1}`, ...; `{*}` is all of them, separated by commas."""
    template = template.replace("{*}", ", ".join(operands))
    for i, operand in enumerate(operands):
        template = template.replace(f"{{{i}}}", operand)
    return template


def evaluate(
    program: Program, arrays: Sequence[Any], xp: Any, watch: Callable[[Eqn, Any], None] | None = None
) -> list[Any]:
    """Run the program on arrays of `xp`, one per input; states among them are updated in place. Returns the outputs.

    `watch` is called with each equation and its value.
    """
    values: dict[Var, Any] = dict(zip(program.inputs, arrays, strict=True))

    def value(operand: Operand) -> Any:
        return values[operand] if isinstance(operand, Var) else operand

    for eqn in program.eqns:
        found = apply(eqn.op, xp, [value(x) for x in eqn.inputs], eqn.params)
        values.update(zip(eqn.outputs, found if len(eqn.outputs) > 1 else (found,), strict=True))
        if watch is not None:
            watch(eqn, found)
    outputs = [values[v] for v in program.outputs]
    if not program.updates or not (program.guard is None or bool(values[program.guard])):
        return outputs
    # An output or a new state may be a view of a state that changes now.
    outputs, new = ([xp.array(a) for a in arrays] for arrays in (outputs, [values[v] for _, v in program.updates]))
    for (state, _), array in zip(program.updates, new, strict=True):
        values[state][...] = array
    return outputs
