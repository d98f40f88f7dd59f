"""Matrix products as C: plain loops over constant sizes, or a call of the general function."""

from __future__ import annotations

from ...ir import Eqn
from .memory import C_TYPE, SUFFIX, Access, Memory, NoKernelError
from .parallel import CACHE_LINE, parallel_bounds
from .statements import braced, lane_loop, loops

PLAIN = 1 << 12
"""Maximum multiplications of a product for which plain loops are no slower than the general function."""
SIDE_BY_SIDE = 1 << 15
"""The same for SIMD over copies of a program, or for rows that are not contiguous."""
LARGEST = 1 << 24
"""Maximum for which a product is no slower than a call of the BLAS. With 512-bit vectors larger ones are as fast alone,
and slower among the others of a step (measured: 40.8 ms against 28.2 for 784-1024-1024-10 at 512)."""
SLIM, DENSE = 4, 16
"""Maximum rows of a left matrix for which the right one is read once, in place, and the minimum of columns that it must
then have."""
HIGH = 64
"""Rows of a part if the work is split by rows: each part packs the right matrix again."""


def product(memory: Memory, eqn: Eqn, out: Access) -> list[str]:
    """Sums are accumulated in memory order, with a fused multiply-add if the machine has one, whichever way they are
    computed. Raises NoKernelError for products that are left to the BLAS."""
    a, b = eqn.operands
    (m, k), n = a.shape[-2:], b.shape[-1]
    work = m * n * k
    if work > (SIDE_BY_SIDE if memory.lanes else LARGEST) or not work:
        raise NoKernelError
    lead = eqn.output.shape[:-2]
    left, right = (memory.access(x, (*lead, *x.shape[-2:])) for x in (a, b))
    index = [f"i{axis}" for axis in range(len(lead))]
    if memory.lanes:
        return loops(lead, _side_by_side(left, right, out, index, (m, n, k)))
    if work > PLAIN and (out.strides[-1] == 1 or n == 1):
        first = [*index, "0", "0"]
        (row, column), (b_row, b_column) = left.strides[-2:], right.strides[-2:]
        at = [f"&{access.at(first)}" for access in (left, right, out)]
        size = {"m": str(m), "n": str(n)}
        slim = m <= SLIM and n >= DENSE and b_column == 1
        if not lead:
            # When split by columns, parts pack disjoint pieces of the right matrix.
            by_columns = m < 2 * HIGH or (n >= m and n >= 2 * CACHE_LINE)
            granule = CACHE_LINE if by_columns else HIGH
            parallel_bounds(memory, n if by_columns else m, work // 8 + n * k * slim, granule)
            if memory.split is not None:
                size["n" if by_columns else "m"] = "end - begin"
                steps = (0, b_column, 1) if by_columns else (row, 0, out.strides[-2])
                at = [f"{x} + begin * {step}" if step else x for x, step in zip(at, steps, strict=True)]
        arguments = f"{at[0]}, 0, 0, {row}, {column}, {at[1]}, {b_row}, {b_column}, {at[2]}, {out.strides[-2]}, 0"
        if slim:
            arguments = f"{at[0]}, {row}, {column}, {at[1]}, {b_row}, {at[2]}, {out.strides[-2]}"
        name = f"{'slim' if slim else 'product'}_{SUFFIX[eqn.output.dtype]}"
        return loops(lead, [f"{name}({size['m']}, {size['n']}, {k}, {arguments});"])
    if work > SIDE_BY_SIDE:
        raise NoKernelError
    return loops(lead, _plain(left, right, out, index, (m, n, k)))


def _fma(access: Access) -> tuple[str, str]:
    return C_TYPE[access.dtype], "FMAF" if access.dtype == "float32" else "FMA"


def _side_by_side(left: Access, right: Access, out: Access, index: list[str], sizes: tuple[int, int, int]) -> list[str]:
    """For several copies: element by element."""
    (m, n, k), (kind, fma) = sizes, _fma(left)
    term = f"{fma}({left.at([*index, 'i', 'p'])}, {right.at([*index, 'p', 'j'])}, sum)"
    body = [f"{kind} sum = 0;", f"for (int64_t p = 0; p < {k}; p++) sum = {term};"]
    lines = lane_loop([*body, f"{out.at([*index, 'i', 'j'])} = sum;"])
    return braced(f"for (int64_t i = 0; i < {m}; i++)", braced(f"for (int64_t j = 0; j < {n}; j++)", lines))


def _column(left: Access, right: Access, out: Access, index: list[str], m: int, k: int) -> list[str]:
    """A product with one column: each column of the left matrix times a number of the right one, added to a column of
    sums."""
    kind, fma = _fma(left)
    each = f"for (int64_t i = 0; i < {m}; i++)"
    return [
        f"{kind} sums[{m}];",
        f"{each} sums[i] = 0;",
        f"for (int64_t p = 0; p < {k}; p++) {{",
        f"    const {kind} x = {right.at([*index, 'p', '0'])};",
        f"    {each} sums[i] = {fma}({left.at([*index, 'i', 'p'])}, x, sums[i]);",
        "}",
        f"{each} {out.at([*index, 'i', '0'])} = sums[i];",
    ]


def _plain(left: Access, right: Access, out: Access, index: list[str], sizes: tuple[int, int, int]) -> list[str]:
    """Row by row: each number of the left matrix times a row of the right one, added to a row of sums."""
    (m, n, k), (kind, fma) = sizes, _fma(left)
    if n == 1 and left.strides[-2] == 1:
        return _column(left, right, out, index, m, k)
    lines = []
    element = right.at([*index, "p", "j"])
    if right.strides[-1] != 1 and n > 1:
        lines = [
            f"{kind} packed[{k * n}];",
            f"for (int64_t p = 0; p < {k}; p++)",
            f"    for (int64_t j = 0; j < {n}; j++) packed[p * {n} + j] = {element};",
        ]
        element = f"packed[p * {n} + j]"
    each = f"for (int64_t j = 0; j < {n}; j++)"
    return [
        *lines,
        f"for (int64_t i = 0; i < {m}; i++) {{",
        f"    {kind} sums[{n}];",
        f"    {each} sums[j] = 0;",
        f"    for (int64_t p = 0; p < {k}; p++) {{",
        f"        const {kind} x = {left.at([*index, 'i', 'p'])};",
        f"        {each} sums[j] = {fma}(x, {element}, sums[j]);",
        "    }",
        f"    {each} {out.at([*index, 'i', 'j'])} = sums[j];",
        "}",
    ]
