"""The structure of generated C code: kernels, the functions that contain them, and the translation unit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from dsl.records import dataclass

from ...ir import Var
from ...passes import Plan


@dataclass(frozen=True, slots=True)
class Compiled:
    """The function `name` computes the steps `first` to `stop` (exclusive) of a plan, the guard among them, and, if it
    runs to the end, the copies. It returns 1 if the guard stopped the step."""

    name: str
    first: int
    stop: int


@dataclass(frozen=True, slots=True)
class CSource:
    """A translation unit. Its functions take the arena and the addresses of `tables`: the plan's states, then the
    constants that it reads; last, of `numbers`, the table of run-time numbers (number_table.py). `many`: the name of a
    function that runs many steps, if one function computes all of a step; else empty. `bodies`: the same for the body
    of each loop, whose functions are in this code too."""

    text: str
    functions: tuple[Compiled, ...]
    tables: tuple[Var, ...]
    many: str
    bodies: Mapping[Plan, CSource]
    numbers: bytes

    @property
    def code(self) -> str:
        """The source to compile."""
        return code_of(self.text)


_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def code_of(text: str) -> str:
    """Source without its comments, which contain what is not compiled: the values of run-time numbers, places in a
    file."""
    return _COMMENT.sub(" ", text)


@dataclass(frozen=True, slots=True)
class KernelSteps:
    """Steps of a plan that are one kernel, and its loops."""

    first: int
    stop: int
    origins: tuple[object, ...]
    lines: tuple[str, ...]
    split: tuple[int, int] | None
    """See gpubp.render.c.memory.Memory."""


Steps = TypeVar("Steps", bound=KernelSteps)


def consecutive(kernels: Iterable[Steps], unfused: bool = False) -> list[list[Steps]]:
    """Kernels as runs without a gap, or with `unfused` one by one."""
    runs: list[list[Steps]] = []
    for kernel in kernels:
        if runs and not unfused and runs[-1][-1].stop == kernel.first:
            runs[-1].append(kernel)
        else:
            runs.append([kernel])
    return runs
