"""When a result may be written where an operand lies, or to a piece of something larger."""

from __future__ import annotations

from ..ir import Eqn

IN_PLACE = frozenset({"elementwise", "rowwise"})
"""Traits of equations whose result may take the memory of an operand: each element is read before it is written."""

DIRECT = IN_PLACE | {"reduce", "gemm"}
"""Traits of equations that can write to a piece of something larger."""


def statements(eqn: Eqn) -> tuple[str, ...]:
    """What writes an equation's result to `{out}`, as templates; empty where it must be copied there."""
    into = eqn.op.into
    return into if isinstance(into, tuple) else into(**eqn.params)


def read_first(eqn: Eqn, number: int) -> bool:
    """Whether input `number` is not read after `{out}` is first written."""
    texts = statements(eqn)
    first = next((i for i, text in enumerate(texts) if "{out}" in text), len(texts))
    return bool(texts) and not any(f"{{{number}}}" in text for text in texts[first + 1 :])
