"""The evaluator: runs a program equation by equation. Slow and plain: the oracle that faster ways are compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .program import Program
from .values import Eqn, Operand, Primitive, Var


def text_of(op: Primitive, params: Mapping[str, Any]) -> str:
    """The primitive's text over `xp` with its params filled in; `{0}`, `{1}` still stand for the inputs."""
    template = op.numpy if isinstance(op.numpy, str) else op.numpy(**params)
    for key, value in params.items():
        template = template.replace(f"{{{key}}}", value if key == "dtype" else repr(value))
    return template


def apply(op: Primitive, xp: Any, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    """One primitive on concrete arrays of the array module `xp`."""
    formals = [f"a{i}" for i in range(len(inputs))]
    arguments = ", ".join(("xp", *formals))
    scope: dict[str, Any] = {helper.__name__: helper for helper in op.helpers}
    function: Callable[..., Any] = eval(f"lambda {arguments}: {fill(text_of(op, params), formals)}", scope)
    return function(xp, *inputs)


def fill(template: str, operands: Sequence[str]) -> str:
    """Put operands into the places `{0}`, `{1}`, ...; `{*}` takes them all, separated by commas."""
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
        values[eqn.output] = apply(eqn.op, xp, [value(x) for x in eqn.inputs], eqn.params)
        if watch is not None:
            watch(eqn, values[eqn.output])
    outputs = [values[v] for v in program.outputs]
    new = [(state, values[v]) for state, v in program.updates]
    for state, array in new:
        values[state][...] = array
    return outputs
