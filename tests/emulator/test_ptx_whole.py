"""Whole numbers, bits, comparisons and choices, instruction by instruction, held against Python's numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from .instructions import Case, bits_of, kernels, run
from .kernels import needs_gcc

pytestmark = needs_gcc
INTS = ("s16", "u16", "s32", "u32", "s64", "u64")
WIDE = {"s16": "s32", "u16": "u32", "s32": "s64", "u32": "u64"}
Rule = Callable[..., Any]


def wrapped(value: int, kind: str) -> int:
    bits = bits_of(kind)
    value %= 2**bits
    return value - 2**bits if kind[0] == "s" and value >> (bits - 1) else value


def divided(a: int, b: int) -> int:
    """Towards zero; by zero hardware gives ones."""
    return -1 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def left(a: int, b: int) -> int:
    return a - divided(a, b) * b if b else a


def field(kind: str) -> Rule:
    """bfe, of the manual's text: bits beyond the number are its sign's."""
    bits = bits_of(kind)

    def rule(a: int, start: int, count: int) -> int:
        start, count, raw = start % 256, count % 256, a % 2**bits
        last = min(start + count - 1, bits - 1)
        sign = 0 if kind[0] == "u" or not count else raw >> last & 1
        found = [raw >> (start + k) & 1 if k < count and start + k < bits else sign for k in range(bits)]
        return sum(bit << k for k, bit in enumerate(found))

    return rule


def inserted(bits: int) -> Rule:
    def rule(a: int, b: int, start: int, count: int) -> int:
        start, count = start % 256, count % 256
        found = b
        for k in range(count):
            if start + k < bits:
                found = found & ~(1 << (start + k)) | (a >> k & 1) << (start + k)
        return found

    return rule


def bytes_chosen(a: int, b: int, pick: int) -> int:
    both, found = [*a.to_bytes(4, "little"), *b.to_bytes(4, "little")], 0
    for k in range(4):
        byte = both[pick >> 4 * k & 7]
        found |= (255 * (byte >> 7) if pick >> 4 * k & 8 else byte) << 8 * k
    return found


def found_bit(kind: str, shift: bool) -> Rule:
    def rule(a: int) -> int:
        size = (~a if a < 0 else a).bit_length()
        return -1 if not size else bits_of(kind) - size if shift else size - 1

    return rule


def funnel(to: str, clamps: bool) -> Rule:
    def rule(a: int, b: int, n: int) -> int:
        n, both = min(n, 32) if clamps else n % 32, b << 32 | a
        return both << n >> 32 if to == "l" else both >> n

    return rule


def _cases() -> dict[Case, Rule]:
    made: dict[Case, Rule] = {}
    for t in INTS:
        bits, two = bits_of(t), (t, t)
        made[Case(f"add.{t}", two, t)] = operator.add
        made[Case(f"sub.{t}", two, t)] = operator.sub
        made[Case(f"mul.lo.{t}", two, t)] = operator.mul
        made[Case(f"mul.hi.{t}", two, t)] = lambda a, b, n=bits: a * b >> n
        made[Case(f"mad.lo.{t}", (t, t, t), t)] = lambda a, b, c: a * b + c
        made[Case(f"mad.hi.{t}", (t, t, t), t)] = lambda a, b, c, n=bits: (a * b >> n) + c
        made[Case(f"sad.{t}", (t, t, t), t)] = lambda a, b, c: abs(a - b) + c
        if t in WIDE:
            made[Case(f"mul.wide.{t}", two, WIDE[t])] = operator.mul
            made[Case(f"mad.wide.{t}", (t, t, WIDE[t]), WIDE[t])] = lambda a, b, c: a * b + c
        made[Case(f"div.{t}", two, t)] = divided
        made[Case(f"rem.{t}", two, t)] = left
        made[Case(f"min.{t}", two, t)] = min
        made[Case(f"max.{t}", two, t)] = max
        made[Case(f"shr.{t}", (t, "u32"), t)] = lambda a, n, most=bits: a >> min(n, most)
        made[Case(f"selp.{t}", two, t, ", 1")] = lambda a, b: a
        made[Case(f"slct.{t}.s32", (t, t, "s32"), t)] = lambda a, b, c: a if c >= 0 else b
        if t[0] == "s":
            made[Case(f"abs.{t}", (t,), t)] = abs
            made[Case(f"neg.{t}", (t,), t)] = operator.neg
        if bits > 16:
            made[Case(f"bfe.{t}", (t, "u32", "u32"), t)] = field(t)
            made[Case(f"bfind.{t}", (t,), "u32")] = found_bit(t, False)
            made[Case(f"bfind.shiftamt.{t}", (t,), "u32")] = found_bit(t, True)
        for name, rule in (("eq", operator.eq), ("ne", operator.ne), ("lt", operator.lt), ("ge", operator.ge)):
            made[Case(f"setp.{name}.{t}", two, "pred")] = rule
            made[Case(f"set.{name}.u32.{t}", two, "u32")] = lambda a, b, f=rule: -int(f(a, b))
        for other in INTS:
            made[Case(f"cvt.{other}.{t}", (t,), other)] = lambda a: a
    for t in ("b16", "b32", "b64"):
        u, bits = f"u{t[1:]}", bits_of(t)
        made[Case(f"and.{t}", (u, u), u)] = operator.and_
        made[Case(f"or.{t}", (u, u), u)] = operator.or_
        made[Case(f"xor.{t}", (u, u), u)] = operator.xor
        made[Case(f"not.{t}", (u,), u)] = operator.invert
        made[Case(f"cnot.{t}", (u,), u)] = lambda a: int(a == 0)
        made[Case(f"shl.{t}", (u, "u32"), u)] = lambda a, n: 0 if n > 64 else a << n
        if bits > 16:
            made[Case(f"brev.{t}", (u,), u)] = lambda a, n=bits: int(f"{a:0{n}b}"[::-1], 2)
            made[Case(f"clz.{t}", (u,), "u32")] = lambda a, n=bits: n - a.bit_length()
            made[Case(f"popc.{t}", (u,), "u32")] = int.bit_count
            made[Case(f"bfi.{t}", (u, u, "u32", "u32"), u)] = inserted(bits)
    three = ("u32", "u32", "u32")
    for to in "lr":
        for mode in ("wrap", "clamp"):
            made[Case(f"shf.{to}.{mode}.b32", three, "u32")] = funnel(to, mode == "clamp")
    made[Case("prmt.b32", three, "u32")] = bytes_chosen
    made[Case("lop3.b32", three, "u32", ", 0x6A")] = lambda a, b, c: a & b ^ c
    made[Case("dp4a.u32.u32", three, "u32")] = lambda a, b, c: (
        c + sum(x * y for x, y in zip(a.to_bytes(4, "little"), b.to_bytes(4, "little")))
    )
    made[Case("add.sat.s32", ("s32", "s32"), "s32")] = lambda a, b: min(max(a + b, -(2**31)), 2**31 - 1)
    made[Case("cvt.sat.s16.s32", ("s32",), "s16")] = lambda a: min(max(a, -(2**15)), 2**15 - 1)
    made[Case("cvt.sat.u16.s32", ("s32",), "u16")] = lambda a: min(max(a, 0), 2**16 - 1)
    return made


CASES = _cases()


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_whole_numbers(seed: int) -> None:
    made = kernels([*CASES])
    for case, rule in CASES.items():
        given_, found = run(made, case, seed, 32)
        for *xs, got in zip(*(a.tolist() for a in given_), found.tolist(), strict=True):
            assert got == wrapped(int(rule(*xs)), "u32" if case.result == "pred" else case.result), (case.text, xs)


FLOATS = {
    "eq": lambda a, b: a == b, "ne": lambda a, b: (a < b) | (a > b), "lt": lambda a, b: a < b,
    "equ": lambda a, b: ~((a < b) | (a > b)), "neu": lambda a, b: a != b, "ltu": lambda a, b: ~(a >= b),
    "leu": lambda a, b: ~(a > b), "gtu": lambda a, b: ~(a <= b), "geu": lambda a, b: ~(a < b),
    "num": lambda a, b: (a == a) & (b == b), "nan": lambda a, b: (a != a) | (b != b),
}  # fmt: skip


def test_comparisons_of_floats() -> None:
    """Each with and without NaN; -0 is 0."""
    made = kernels([Case(f"setp.{name}.{t}", (t, t), "pred") for name in FLOATS for t in ("f16", "f32", "f64")])
    for t in ("f16", "f32", "f64"):
        for name, rule in FLOATS.items():
            (a, b), found = run(made, Case(f"setp.{name}.{t}", (t, t), "pred"), 5, 500)
            x, y = a.view(f"f{a.itemsize}"), b.view(f"f{b.itemsize}")
            with np.errstate(invalid="ignore"):
                np.testing.assert_array_equal(found, rule(x, y), err_msg=f"{name} {t}")
