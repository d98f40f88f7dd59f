"""Aliasing: when a result may overwrite an operand, or be written into a slice of a larger buffer."""

from __future__ import annotations

from ..ir import Eqn

IN_PLACE = frozenset({"elementwise", "rowwise"})
"""Traits of equations whose result may overwrite an operand: each element is read before it is written."""

WRITES_STRIDED = IN_PLACE | {"reduce", "gemm"}
"""Traits of equations that can write into a slice of a larger buffer."""


def statements(eqn: Eqn) -> tuple[str, ...]:
    """The statements that write an equation's result to `{out}`, as templates; empty if it must be copied there."""
    into = eqn.op.into
    return into if isinstance(into, tuple) else into(**eqn.params)


def reads_before_write(eqn: Eqn, number: int) -> bool:
    """Whether input `number` is not read after the first write to `{out}`."""
    texts = statements(eqn)
    first = next((i for i, text in enumerate(texts) if "{out}" in text), len(texts))
    return bool(texts) and not any(f"{{{number}}}" in text for text in texts[first + 1 :])
