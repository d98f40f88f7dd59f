"""Run-time arguments of kernels. A rate, a decay, a dropout rate is a literal of an equation; kernels read it from a
table, so that programs that differ only in such numbers are compiled once."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping

from dsl.records import dataclass

from ...ir import Eqn
from ...ops.constants import literal_dtype, runtime_literals
from ...passes import Plan
from ..loops import loop_steps
from .identifiers import comment
from .literals import c_literal, rounded

_SIMPLE = (0.0, 0.5)
"""The mantissas of 0 and of powers of two: these are inlined, because compilers generate simpler code for them."""
MAX_NUMBERS = 4096
"""Maximum number of entries: half of a GPU's constant memory. Further numbers are inlined."""
_FORMAT = {"float32": "=f4x", "float64": "=d"}


@dataclass(frozen=True, slots=True)
class Number:
    """An entry of the table: a number rounded to its dtype, and the origin of its equation."""

    value: float
    dtype: str
    origin: object

    @property
    def text(self) -> str:
        return c_literal(self.value, self.dtype).strip("()")


@dataclass(frozen=True, slots=True, eq=False)
class NumberTable:
    """The table. `places`: the entry of a literal, by its equation and the index of the input."""

    numbers: tuple[Number, ...]
    places: Mapping[tuple[Eqn, int], int]

    @property
    def table(self) -> bytes:
        """The table as bytes, 8 for each entry."""
        return b"".join(struct.pack(_FORMAT[number.dtype], number.value) for number in self.numbers)

    def comment(self, describe: Callable[[object], str]) -> list[str]:
        """A comment that lists the entries, if there are any."""
        if not self.numbers:
            return []
        wide = max(len(number.text) for number in self.numbers)
        lines = ["/* Numbers passed at run time: kernels that differ only in these share one binary."]
        for k, number in enumerate(self.numbers):
            about = "" if number.origin is None else comment(describe(number.origin))
            lines.append(f"   number{k:<5}{number.text:<{wide}}   {about}".rstrip())
        return ["\n".join((*lines, "*/"))]


def number_table(plan: Plan) -> NumberTable:
    """The table of a plan and of the loops in it, in the order of their steps."""
    numbers: list[Number] = []
    places: dict[tuple[Eqn, int], int] = {}
    plans = (*(one.plan for _, one in loop_steps(plan.steps)), plan)
    for eqn in (step.eqn for part in plans for step in part.steps):
        for i, number in runtime_literals(eqn):
            value = rounded(number, dtype := literal_dtype(eqn))
            if math.isfinite(value) and abs(math.frexp(value)[0]) not in _SIMPLE and len(numbers) < MAX_NUMBERS:
                places[eqn, i] = len(numbers)
                numbers.append(Number(value, dtype, eqn.origin))
    return NumberTable(tuple(numbers), places)
