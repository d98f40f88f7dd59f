"""Which matrix products are computed by compiled code, and which are left to the BLAS."""

from __future__ import annotations

import pytest

from gpubp import ops
from gpubp.backends.native import Compiler, NativeBackend, backend
from gpubp.ir import Aval, Program, Var, recording, verify
from gpubp.passes import Plan, plan
from gpubp.render import c_source


def product(rows: int, terms: int, columns: int, turned: bool = False) -> Plan:
    x = Var(Aval((terms, rows) if turned else (rows, terms), "float32"), "x")
    w = Var(Aval((terms, columns), "float32"), "w")
    with recording() as eqns:
        y = (ops.transpose(x) if turned else x) @ w
    return plan(verify(Program((x, w), tuple(eqns), (y,))), (x,))


@pytest.mark.parametrize(
    ("flags", "cores", "rows", "compiled"),
    [
        ("avx2", 2, 64, True),
        ("avx2", 2, 1024, False),
        ("avx512f", 2, 1024, True),
        ("avx512f", 64, 1024, False),
        ("avx512f", 64, 64, True),
    ],
)
def test_large_products_are_left_to_the_blas_where_it_is_quicker(
    flags: str, cores: int, rows: int, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not where vectors are wide and the BLAS would take no more threads."""
    monkeypatch.setattr(backend, "processor", lambda: f"flags : sse {flags}")
    monkeypatch.setattr(backend, "cores", lambda: cores)
    source = NativeBackend(Compiler("cc")).source(product(rows, 512, 400), "run", {}, str)
    assert bool(source.functions) is compiled


def test_products_whose_left_columns_lie_far_apart_are_left_to_the_blas() -> None:
    for width, compiled in ((1024, True), (2048, False)):
        made = product(width, 256, 512, turned=True)
        assert bool(c_source(made, "run", products=1 << 30).functions) is compiled
