"""The program: straight-line equations over immutable values in SSA form; and how it prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from keyword import iskeyword
from textwrap import indent
from types import MappingProxyType

from dsl.records import dataclass

from .values import Eqn, Operand, Var


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """`eqns` compute `outputs` from `inputs`, in order. Then each `(state, value)` of `updates` overwrites an input in
    place: all at the end, so that every equation reads the old state. With a `guard`, a bool scalar, the updates happen
    only if it is true."""

    inputs: tuple[Var, ...]
    eqns: tuple[Eqn, ...]
    outputs: tuple[Var, ...]
    updates: tuple[tuple[Var, Var], ...] = ()
    guard: Var | None = None

    def __repr__(self) -> str:
        name = names(self)

        def text(operand: Operand) -> str:
            return name[operand] if isinstance(operand, Var) else repr(operand)

        def line(eqn: Eqn) -> str:
            plain = {key: value for key, value in eqn.params.items() if not isinstance(value, Program)}
            params = "".join(f" {key}={value!r}" for key, value in plain.items())
            inputs = " ".join(map(text, eqn.inputs))
            results = ", ".join(f"{name[v]}:{v.aval}" for v in eqn.outputs)
            inner = "".join(indent(f"\n{body!r}", "    ") for body in bodies(eqn))
            return f"  {results} = {eqn.op.name}{params} {inputs}".rstrip() + inner

        inputs = ", ".join(f"{name[v]}:{v.aval}" for v in self.inputs)
        lines = [f"program({inputs}) {{", *map(line, self.eqns)]
        if self.guard is not None:
            lines.append(f"  if {name[self.guard]}:")
        margin = "  " if self.guard is None else "    "
        lines += [f"{margin}{name[state]} <- {name[value]}" for state, value in self.updates]
        lines += [f"  return {', '.join(name[v] for v in self.outputs)}", "}"]
        return "\n".join(lines)


def bodies(eqn: Eqn) -> tuple[Program, ...]:
    """The programs among an equation's params."""
    if not eqn.params:  # the common case, and every pass asks
        return ()
    return tuple([value for value in eqn.params.values() if isinstance(value, Program)])


def map_bodies(program: Program, change: Callable[[Program], Program]) -> Program:
    """The program with `change` applied to the bodies of its equations, preserving the types of inputs and outputs; the
    same object if `change` changes nothing. A pass that calls this with itself recurses to every depth."""
    eqns = tuple([_with_bodies(eqn, change) if bodies(eqn) else eqn for eqn in program.eqns])
    return program if eqns == program.eqns else replace(program, eqns=eqns)


def _with_bodies(eqn: Eqn, change: Callable[[Program], Program]) -> Eqn:
    params = {key: change(value) if isinstance(value, Program) else value for key, value in eqn.params.items()}
    same = all(params[key] is value for key, value in eqn.params.items())
    return eqn if same else replace(eqn, params=MappingProxyType(params))


_RESERVED = frozenset({"xp", "rng", "float", "print", "range", "_"})
"""The namespace of rendered code."""


def names(program: Program) -> dict[Var, str]:
    """A distinct name for each value, none of them that of a function that the program's code calls."""
    taken = {helper.__name__ for eqn in program.eqns for helper in eqn.op.helpers}
    return identifiers((*program.inputs, *(v for eqn in program.eqns for v in eqn.outputs)), {}, taken)


def identifiers(values: Iterable[Var], hints: Mapping[Var, str], reserved: Iterable[str]) -> dict[Var, str]:
    """A distinct Python identifier, none of `reserved`, for each value: from `hints`, its own hint, or a number."""
    taken = {*_RESERVED, *reserved}
    out: dict[Var, str] = {}
    used: dict[str, int] = {}
    count = 0
    for var in values:
        base = "".join(c if c.isascii() and c.isalnum() else "_" for c in hints.get(var, var.hint))
        if not base:
            base, count = f"t{count}", count + 1
        elif iskeyword(base):
            base += "_"
        elif base[0].isdigit():
            base = f"_{base}"
        name = base
        while name in taken:
            # Resume counting at the last suffix of this base, so that a thousand layers with one name take linear time.
            used[base] = used.get(base, 1) + 1
            name = f"{base}_{used[base]}"
        taken.add(name)
        out[var] = name
    return out
