"""Matrix products and convolutions as plain loops: no scratch, and sums in memory order."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Aval, Contraction, Eqn, MaskedIndex, Product, Routine, aval_of
from ..c.memory import C_TYPE, Access, Memory, NoKernelError
from ..c.statements import braced


def sum_lines(memory: Memory, eqn: Eqn, out: Access) -> list[str]:
    """The loops of a matrix product, or of what a routine computes. Raises NoKernelError."""
    form = eqn.op.c
    if isinstance(form, Product):
        a, b = eqn.operands
        lead = eqn.output.shape[:-2]
        left, right = (memory.access(x, (*lead, *x.shape[-2:])) for x in (a, b))
        return _loops(_product(eqn.output.aval, a.shape[-1]), left, right, out)
    assert isinstance(form, Routine)
    left, right = (memory.access(x, x.shape) for x in eqn.operands)
    return _loops(form.sums(eqn.output.aval, *map(aval_of, eqn.inputs), **eqn.params), left, right, out)


def _product(out: Aval, terms: int) -> Contraction:
    *lead, m, n = out.shape
    return Contraction(
        tuple(lead),
        (m,),
        (n,),
        (terms,),
        left=lambda batch, rows, terms: MaskedIndex((*batch, *rows, *terms)),
        right=lambda batch, terms, columns: MaskedIndex((*batch, *terms, *columns)),
        out=lambda batch, rows, columns: MaskedIndex((*batch, *rows, *columns)),
    )


def _loops(sums: Contraction, left: Access, right: Access, out: Access) -> list[str]:
    """If the second factor is contiguous along columns, each number of the first is multiplied by a row of it and added
    to a row of the result; else sums are computed one by one."""
    kind, fma = C_TYPE[out.dtype], "FMAF" if out.dtype == "float32" else "FMA"
    batch, rows, columns, terms = (
        _index(name, sizes)
        for name, sizes in (("b", sums.batch), ("r", sums.rows), ("c", sums.columns), ("p", sums.terms))
    )
    a, b, y = sums.left(batch, rows, terms), sums.right(batch, terms, columns), sums.out(batch, rows, columns)
    if y.mask:
        raise NoKernelError
    factor, other, result = _read(left, a), _read(right, b), out.at(y.index)
    if columns[-1] != "0" and columns[-1] in b.index[-1] and right.strides[-1] == 1:
        each = nest(columns, sums.columns, [f"{result} = {fma}(x, {other}, {result});"])
        lines = [
            *nest(columns, sums.columns, [f"{result} = 0;"]),
            *nest(terms, sums.terms, [f"const {kind} x = {factor};", *each]),
        ]
    else:
        first, unfused = [f"{kind} sum = 0;"], sums.partial_axes
        added = nest(terms[unfused:], sums.terms[unfused:], [f"sum = {fma}({factor}, {other}, sum);"])
        if unfused:
            added = nest(terms[:unfused], sums.terms[:unfused], [*first, *added, "all += sum;"])
            first = [f"{kind} all = 0;"]
        lines = nest(columns, sums.columns, [*first, *added, f"{result} = {'all' if unfused else 'sum'};"])
    return nest(batch, sums.batch, nest(rows, sums.rows, lines))


def _index(name: str, sizes: Sequence[int]) -> list[str]:
    return [f"{name}{k}" if n != 1 else "0" for k, n in enumerate(sizes)]


def _read(access: Access, spot: MaskedIndex) -> str:
    text = access.at(spot.index)
    return f"({spot.mask} ? {text} : 0)" if spot.mask else text


def nest(index: Sequence[str], sizes: Sequence[int], lines: Sequence[str]) -> list[str]:
    """Loops around statements, for axes of several elements."""
    lines = list(lines)
    for i, n in reversed(list(zip(index, sizes, strict=True))):
        if n != 1:
            lines = braced(f"for (int64_t {i} = 0; {i} < {n}; {i}++)", lines)
    return lines
