"""A rendered program as a file that runs by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..ir import FLOATS, Aval

MOST_NUMBERS = 128
"""Arrays up to this size are written out."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of the program: its name in the text, its type, its values if there are any at hand (a NumPy
    array), and for labels the number of classes."""

    name: str
    aval: Aval
    values: Any = None
    classes: int | None = None


def standalone(text: str, function: str, arguments: Sequence[Argument], title: str) -> str:
    """`text`, which defines `function`, with everything needed to run it: arguments, and a few calls that print what
    it returns.

    Small arrays are written out; in place of large ones stand random numbers of their shape.
    """
    lines = [
        f'"""{title}"""',
        "",
        "import numpy as xp  # or, on a GPU, unchanged: import cupy as xp",
        "",
        "",
        text.rstrip(),
        "",
        "",
        'if __name__ == "__main__":',
        "    rng = xp.random.RandomState(0)",
        *(f"    {a.name} = {_value(a)}" for a in arguments),
        "    for _ in range(3):",
        f"        print(*{function}({', '.join(a.name for a in arguments)}))",
    ]
    return "\n".join(lines) + "\n"


def _value(argument: Argument) -> str:
    aval, values = argument.aval, argument.values
    dtype = f"dtype=xp.{aval.dtype}"
    if values is not None and values.size <= MOST_NUMBERS:
        # Shortest text that gives the same number back, in this type.
        numbers = ", ".join(repr(v.item()) if v.dtype.kind != "f" else str(v) for v in values.reshape(-1))
        flat = f"xp.array([{numbers}], {dtype})"
        return flat if len(aval.shape) == 1 else f"xp.reshape({flat}, {aval.shape})"
    if values is not None and not values.any():
        return f"xp.zeros({aval.shape}, {dtype})"
    if aval.dtype in FLOATS:
        return f"xp.asarray(rng.random_sample({aval.shape}), {dtype})  # stands for the real values"
    return f"xp.asarray(rng.randint(0, {argument.classes or 2}, {aval.shape}), {dtype})  # stands for the real labels"
