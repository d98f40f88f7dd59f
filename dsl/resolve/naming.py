"""Places of weights: `logits.residual_3.main.conv_bn_2.conv`."""

from __future__ import annotations

from collections.abc import Container

OPERATOR_NAMES = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "//": "floordiv",
    "^": "pow",
    "==": "equal",
    "!=": "unequal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}
"""How an operator is called in the name of its node."""


class StageNames:
    """Hands out the names below one value: the first of a kind has no number, the next is `_2`.

    `reserved` are names that the same prefix has already given away (the values of a block, beside the stages of its
    return).
    """

    __slots__ = ("_counts", "_used", "prefix", "reserved")

    def __init__(self, prefix: str, reserved: Container[str] = ()) -> None:
        self.prefix = prefix
        self.reserved = reserved
        self._counts: dict[str, int] = {}
        self._used: set[str] = set()

    def fresh(self, kind: str) -> str:
        """The next name for a stage of this kind; of a dotted `kind` the last part counts."""
        kind = kind.rpartition(".")[2]
        kind = OPERATOR_NAMES.get(kind, kind)
        count = self._counts.get(kind, 0)
        while True:
            count += 1
            name = kind if count == 1 else f"{kind}_{count}"
            if name not in self._used and name not in self.reserved:
                break
        self._counts[kind] = count
        self._used.add(name)
        return f"{self.prefix}.{name}"
