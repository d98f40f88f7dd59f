"""A rendered program as a standalone script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dsl.records import dataclass

from ..ir import FLOATS, Aval

MAX_NUMBERS = 256
"""Maximum size of arrays that are inlined."""


@dataclass(frozen=True, slots=True)
class Argument:
    """A feed or state of the program: its name, its dtype, its values if available (a NumPy array), and for labels the
    number of classes."""

    name: str
    aval: Aval
    values: Any = None
    classes: int | None = None


def standalone(
    text: str,
    function: str,
    arena: int,
    feeds: Sequence[Argument],
    states: Sequence[Argument],
    outputs: Sequence[str],
    title: str,
) -> str:
    """The source of a plan, which defines `bind_<function>`, with everything needed to run it: memory, states, a batch,
    and a few steps that print what they compute.

    Small arrays are inlined; large ones are replaced by random numbers of their shape.
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
        f"    arena = xp.empty({arena}, dtype=xp.uint8)",
        "    states = {",
        *(f'        "{a.name}": {_value(a)},{_remark(a)}' for a in states),
        "    }",
        "    batch = {",
        *(f'        "{a.name}": {_value(a)},{_remark(a)}' for a in feeds),
        "    }",
        f"    {function}, feeds, outputs = bind_{function}(arena, *states.values())",
        "    for _ in range(3):",
        "        for feed, values in zip(feeds, batch.values()):",
        "            feed[...] = values",
        f"        {function}()",
        f"        for name, value in zip({tuple(outputs)}, outputs):",
        "            print(name, value)",
    ]
    return "\n".join(lines) + "\n"


def _value(argument: Argument) -> str:
    aval, values = argument.aval, argument.values
    dtype = f"dtype=xp.{aval.dtype}"
    if values is not None and values.ndim and not values.any():
        return f"xp.zeros({aval.shape}, {dtype})"
    if values is not None and values.size <= MAX_NUMBERS:
        # The shortest text that round-trips, in this dtype.
        numbers = ", ".join(repr(v.item()) if v.dtype.kind != "f" else str(v) for v in values.reshape(-1))
        flat = f"xp.array([{numbers}], {dtype})"
        return flat if len(aval.shape) == 1 else f"xp.reshape({flat}, {aval.shape})"
    if aval.dtype in FLOATS:
        # Small, like weights, so that sums of many do not overflow.
        return f"xp.asarray(0.1 * rng.random_sample({aval.shape}), {dtype})"
    return f"xp.asarray(rng.randint(0, {argument.classes or 2}, {aval.shape}), {dtype})"


def _remark(argument: Argument) -> str:
    values = argument.values
    random = values is None or (values.size > MAX_NUMBERS and values.any())
    return "  # stands for the real values" if random else ""
