"""Single instructions of PTX as kernels, and numbers to try them on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from .kernels import Array, Kernels

THREADS = 128


@dataclass(frozen=True)
class Case:
    """An instruction `text` of operands of the types `given`; `more` are written behind them."""

    text: str
    given: tuple[str, ...]
    result: str
    more: str = ""

    @property
    def name(self) -> str:
        return "k_" + "".join(c if c.isalnum() else "_" for c in self.text + self.more)


def bits_of(kind: str) -> int:
    return {"f16x2": 32, "bf16x2": 32, "bf16": 16, "pred": 32}.get(kind) or int(kind[1:])


def _entry(case: Case) -> str:
    """Each thread takes the operands of its number."""
    lines = [f".visible .entry {case.name}("]
    names = [f"p{k}" for k in range(len(case.given) + 1)]
    lines += [",\n".join(f"    .param .u64 {name}" for name in names), ")", "{"]
    lines += ["    .reg .b64 %a<8>;", "    .reg .b32 %i;", "    .reg .pred %q;", "    mov.u32 %i, %tid.x;"]
    kinds = (case.result, *case.given)
    for k, kind in enumerate(kinds):
        width = bits_of(kind)
        lines.append(
            f"    .reg .{'pred' if kind == 'pred' else kind if kind in ('f32', 'f64') else f'b{width}'} %x{k};"
        )
        lines.append(f"    ld.param.u64 %a{k}, [p{k}];")
        lines.append(f"    mad.wide.u32 %a{k}, %i, {width // 8}, %a{k};")
        if k:
            lines.append(f"    ld.global.b{width} %x{k}, [%a{k}];")
    operands = ", ".join(f"%x{k}" for k in range(len(kinds)))
    lines.append(f"    {case.text} {operands}{case.more};")
    if case.result == "pred":
        lines += ["    selp.b32 %i, 1, 0, %x0;", "    st.global.b32 [%a0], %i;"]
    else:
        lines.append(f"    st.global.b{bits_of(case.result)} [%a0], %x0;")
    return "\n".join([*lines, "    ret;", "}", ""])


HEAD = ".version 8.8\n.target sm_90\n.address_size 64\n\n"


@cache
def _kernels(cases: tuple[Case, ...]) -> Kernels:
    return Kernels(HEAD + "\n".join(dict.fromkeys(map(_entry, cases))))


def kernels(cases: Sequence[Case]) -> Kernels:
    return _kernels(tuple(cases))


def numbers(kind: str, rng: np.random.Generator, count: int) -> Array:
    """Bits of numbers: any at all, some near each other, and those at the ends."""
    width = bits_of(kind)
    any_ = rng.integers(0, 2**64, count, np.uint64, endpoint=False) if width == 64 else rng.integers(0, 2**width, count)
    found = any_.astype(f"u{width // 8}")
    top = np.uint64(1) << np.uint64(width - 1)
    ends = [0, 1, 2, 3, int(top), int(top) - 1, int(top) + 1, 2**width - 1, 2**width - 2, width - 1, width]
    if kind in ("f16", "bf16", "f32", "f64"):
        digits, low = {"f16": (10, 15), "bf16": (7, 127), "f32": (23, 127), "f64": (52, 1023)}.get(kind, (10, 15))
        most = (2 * low + 1) << digits
        ends += [most, most | int(top), most | 1, most - 1, 1 << digits, low << digits, (low << digits) + 1]
        near = (low << digits) + rng.integers(-(3 << digits), 3 << digits, count)
        found = np.where(
            rng.random(count) < 0.6, near.astype(found.dtype) | (found & found.dtype.type(int(top))), found
        )
    chosen = np.array(ends, np.uint64).astype(found.dtype)[rng.integers(0, len(ends), count)]
    return np.where(rng.random(count) < 0.3, chosen, found)


def run(made: Kernels, case: Case, seed: int, count: int) -> tuple[list[Array], Array]:
    """The operands, as bits or, for whole numbers, as such, and what came of them. Operands of the same types are the
    same for all instructions."""
    rng = np.random.default_rng([seed, *"".join(case.given).encode()])
    arrays = [numbers(kind, rng, count) for kind in case.given]
    out = np.empty(count, f"u{bits_of(case.result) // 8}")
    for first in range(0, count, THREADS):
        part = slice(first, min(first + THREADS, count))
        made(case.name, 1, part.stop - first, [out[part], *(a[part] for a in arrays)])
    return [_typed(kind, a) for kind, a in zip(case.given, arrays, strict=True)], _typed(case.result, out)


def _typed(kind: str, array: Array) -> Array:
    typed: Any = array.view(f"i{array.itemsize}") if kind[0] == "s" else array
    return typed
