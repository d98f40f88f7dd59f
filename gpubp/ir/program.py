"""The program: a straight line of equations over immutable values, each assigned once; and how it prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from keyword import iskeyword

from .values import Eqn, Operand, Var


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """`inputs` are given; `eqns` run in order; `outputs` are returned. Then each `(state, value)` of `updates` writes
    a value into an input in place: all of them at the end, so that every equation reads the old state."""

    inputs: tuple[Var, ...]
    eqns: tuple[Eqn, ...]
    outputs: tuple[Var, ...]
    updates: tuple[tuple[Var, Var], ...] = ()

    def __repr__(self) -> str:
        name = names(self)

        def text(operand: Operand) -> str:
            return name[operand] if isinstance(operand, Var) else repr(operand)

        def line(eqn: Eqn) -> str:
            params = "".join(f" {key}={value!r}" for key, value in eqn.params.items())
            inputs = " ".join(map(text, eqn.inputs))
            return f"  {name[eqn.output]}:{eqn.output.aval} = {eqn.op.name}{params} {inputs}".rstrip()

        inputs = ", ".join(f"{name[v]}:{v.aval}" for v in self.inputs)
        lines = [f"program({inputs}) {{", *map(line, self.eqns)]
        lines += [f"  {name[state]} <- {name[value]}" for state, value in self.updates]
        lines += [f"  return {', '.join(name[v] for v in self.outputs)}", "}"]
        return "\n".join(lines)


_RESERVED = frozenset({"xp", "rng", "float", "print", "range", "_"})
"""What rendered text means by these names."""


def names(program: Program, hints: Mapping[Var, str] | None = None, reserved: Iterable[str] = ()) -> dict[Var, str]:
    """A distinct Python identifier for each value: from `hints`, its own hint, or a number.

    None is one of `reserved`, or the name of a function that the program's text calls.
    """
    hints = hints or {}
    taken = {*_RESERVED, *reserved, *(helper.__name__ for eqn in program.eqns for helper in eqn.op.helpers)}
    out: dict[Var, str] = {}
    used: dict[str, int] = {}
    count = 0
    for var in (*program.inputs, *(eqn.output for eqn in program.eqns)):
        base = "".join(c if c.isascii() and c.isalnum() else "_" for c in hints.get(var, var.hint))
        if not base:
            base, count = f"t{count}", count + 1
        elif iskeyword(base):
            base += "_"
        elif base[0].isdigit():
            base = f"_{base}"
        name = base
        while name in taken:
            # Counted on from the last of this base: a thousand layers of one name take no longer than a thousand names.
            used[base] = used.get(base, 1) + 1
            name = f"{base}_{used[base]}"
        taken.add(name)
        out[var] = name
    return out
