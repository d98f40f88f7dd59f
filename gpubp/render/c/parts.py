"""What a C text is made of: kernels, the functions that hold them, and the whole."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dsl.records import dataclass

from ...ir import Var
from ...passes import Plan


@dataclass(frozen=True, slots=True)
class Compiled:
    """The function `name` computes the steps `first` to before `stop` of a plan, the guard between them, and, where it
    goes to the end, the copies. It returns 1 where the guard stopped the step."""

    name: str
    first: int
    stop: int


@dataclass(frozen=True, slots=True)
class CSource:
    """A translation unit. Its functions take the arena and the addresses of `tables`: the plan's states, then the
    constants that it reads; last, of `numbers`, the table of the numbers that kernels are given (.given). `many`: the
    name of a function that does many steps, where one function does all of a step; else empty. `rounds`: the same for
    the round of each loop, whose functions are in this text too."""

    text: str
    functions: tuple[Compiled, ...]
    tables: tuple[Var, ...]
    many: str
    rounds: Mapping[Plan, CSource]
    numbers: bytes

    @property
    def code(self) -> str:
        """What is compiled."""
        return code_of(self.text)


_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def code_of(text: str) -> str:
    """A text without its comments. These tell what is no part of kernels: the values of their numbers, places in a
    file."""
    return _COMMENT.sub(" ", text)


@dataclass(frozen=True, slots=True)
class Kernel:
    """Loops that compute some steps."""

    first: int
    stop: int
    origins: tuple[object, ...]
    lines: tuple[str, ...]
    share: tuple[int, int] | None
    """See gpubp.render.c.memory.Memory."""
