"""Plans run as compiled C, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from platformdirs import user_cache_path

from gpubp.backends.native import KernelCache, Library, find_compiler
from gpubp.ir import Var
from gpubp.passes import Plan
from gpubp.render import CSource, c_source, compile_source, plan_source

Array = np.ndarray[Any, Any]
COMPILER = find_compiler()
QUICK = f"native:{COMPILER.command if COMPILER is not None else 'cc'} -O0"
"""The backend of compiled kernels where what they compute is looked at, in every call of a net: the compiler takes a
tenth of its time. That its full optimisation changes no bit of them, `test_each_equation_of_a_model` shows."""
FEWER = {
    **{name: {"depth": 3} for name in ("deep_batchnorm", "deep_mended", "deep_sigmoid")},
    **{name: {"depth": 1} for name in ("digits_resnet", "transformer")},
}
"""Params of models of many layers alike, with which they have few: a compiler takes as long for each of them. `make
sanitize` takes all."""
LONG = ("cifar_cnn", "digits_resnet")
"""Models of many layers, each of which another has, too: their text takes a compiler longest. `make sanitize` takes
them."""
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")


@cache
def library(text: str, numbers: bytes, options: tuple[str, ...] = ()) -> Library:
    assert COMPILER is not None
    folder: Path = user_cache_path("gpubp") / "kernels"
    return Library(KernelCache(folder).library(text, replace(COMPILER, options=options)), numbers)


def run_compiled(
    planned: Plan,
    feeds: Sequence[Array],
    states: Sequence[Array],
    hints: Mapping[Var, str] | None = None,
    options: tuple[str, ...] = (),
    numbers: bytes | None = None,
) -> tuple[CSource, list[Array]]:
    """A step in memory that holds garbage; states change in place. Returns what was compiled, and the outputs.
    `options`: those of the compiler beside the usual ones; `numbers`: the table that kernels are given, if another."""
    source = c_source(planned, "run", hints)
    source = source if numbers is None else replace(source, numbers=numbers)
    text = plan_source(planned, "run", hints, compiled=source)
    bind = compile_source(text, "bind_run", np, bind=library(source.code, source.numbers, options).bind)
    memory = np.full(planned.arena + 64, 0xFF, dtype=np.uint8)
    start = -memory.ctypes.data % 64
    with np.errstate(all="ignore"):
        step, slots, outputs = bind(memory[start : start + planned.arena], *states)
        for slot, values in zip(slots, feeds, strict=True):
            slot[...] = values
        step()
    return source, [np.array(v) for v in outputs]
