"""Places of weights: `logits.residual_3.main.conv_bn_2.conv`."""

from __future__ import annotations

from collections.abc import Container

SIGNS = {
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


class Place:
    """Hands out the names below one value: the first of a kind has no number, the next is `_2`.

    `reserved` are names that the same prefix has already given away (the values of a block, beside the stages of its
    return).
    """

    __slots__ = ("_counts", "_given", "prefix", "reserved")

    def __init__(self, prefix: str, reserved: Container[str] = ()) -> None:
        self.prefix = prefix
        self.reserved = reserved
        self._counts: dict[str, int] = {}
        self._given: set[str] = set()

    def fresh(self, kind: str) -> str:
        """The next name for a stage of this kind; of a dotted `kind` the last part counts."""
        kind = kind.rpartition(".")[2]
        kind = SIGNS.get(kind, kind)
        count = self._counts.get(kind, 0)
        while True:
            count += 1
            last = kind if count == 1 else f"{kind}_{count}"
            if last not in self._given and last not in self.reserved:
                break
        self._counts[kind] = count
        self._given.add(last)
        return f"{self.prefix}.{last}"
