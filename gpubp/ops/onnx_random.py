"""The ONNX form of random numbers: Philox4x32-10, unrolled, in int64, which more runtimes have than uint64."""

from __future__ import annotations

import math

from ..ir import ONNX_TYPES, Aval, Graph, Tensor

LOW = 2**32 - 1
FACTORS, STEPS = (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85)
Word = str | Tensor


def uniform(
    g: Graph, out: Aval, seed: Tensor, step: Tensor, *, stream: int, shape: tuple[int, ...], dtype: str
) -> str | None:
    """The numbers of `helpers.uniform`, for a constant seed and step. A whole number of blocks per row is generated, so
    that there are enough for any batch size."""
    if seed.array is None or step.array is None:
        return None
    each = 4 if dtype == "float32" else 2
    rows = math.prod(n for n in shape if g.scales(n))
    words = _words(g, int(seed.array), int(step.array), stream, rows * -(-math.prod(shape) // rows // each))
    if dtype == "float32":
        columns, unit = [_with(g, "Div", word, 2**8) for word in words], 2.0**-24
    else:
        pairs, unit = (words[:2], words[2:]), 2.0**-53
        columns = [
            g.node("Add", _with(g, "Mul", _with(g, "Div", a, 2**5), 2**26), _with(g, "Div", b, 2**6)) for a, b in pairs
        ]
    table = g.node("Concat", *(g.node("Unsqueeze", x, g.ints([1])) for x in columns), axis=1)
    some = g.node("Slice", g.node("Reshape", table, g.ints([-1])), g.ints([0]), g.ints([math.prod(shape)]))
    numbers = g.node("Mul", g.node("Cast", some, to=ONNX_TYPES[dtype]), g.constant(unit, dtype))
    return g.node("Reshape", numbers, g.ints(shape))


def _words(g: Graph, seed: int, step: int, stream: int, blocks: int) -> tuple[Word, Word, Word, Word]:
    """The four words of each block (see `helpers.philox`)."""
    stop = g.node("Squeeze", g.ints([blocks]))
    c0: Word = g.node("Range", g.constant(0, "int64"), stop, g.constant(1, "int64"))
    c1: Word = g.constant(seed % 2**64 >> 32, "int64")
    c2: Word = g.constant(step & LOW, "int64")
    c3: Word = g.constant(step % 2**64 >> 32, "int64")
    k0, k1 = seed & LOW, stream
    for _ in range(10):
        (high0, low0), (high1, low1) = _product(g, c0, FACTORS[0]), _product(g, c2, FACTORS[1])
        c0 = _with(g, "BitwiseXor", g.node("BitwiseXor", high1, c1), k0)
        c2 = _with(g, "BitwiseXor", g.node("BitwiseXor", high0, c3), k1)
        c1, c3 = low1, low0
        k0, k1 = (k0 + STEPS[0]) & LOW, (k1 + STEPS[1]) & LOW
    return c0, c1, c2, c3


def _product(g: Graph, x: Word, factor: int) -> tuple[str, str]:
    """The high and low 32 bits of the product of two 32-bit numbers, from the halves of the factor: the whole product
    would overflow int64."""
    low, high = _with(g, "Mul", x, factor % 2**16), _with(g, "Mul", x, factor >> 16)
    middle = g.node("Add", high, _with(g, "Div", low, 2**16))
    upper = _with(g, "Mul", _with(g, "Mod", middle, 2**16), 2**16)
    return _with(g, "Div", middle, 2**16), g.node("Add", upper, _with(g, "Mod", low, 2**16))


def _with(g: Graph, op: str, x: Word, value: int) -> str:
    return g.node(op, x, g.constant(value, "int64"))
