"""Elements of which each is made of others from anywhere: pooling and its gradients, flips, shifts, `argmax`."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Element, Read
from ..c.memory import C_TYPE, SUFFIX, UnfitError
from ..c.row_parts import Part
from .epilogue import Fused
from .work import Body


class Elements(Fused):
    """The elements of such an equation, and what is computed of each at once. Raises UnfitError where the text of one
    would be too long, or something needs more than one."""

    def lines(self) -> Body:
        if not all(part.full for part in self.parts):
            raise UnfitError
        return super().lines()

    @property
    def largest(self) -> int:
        return max(super().largest, *(x.aval.size for x in self.first.operands))

    def _width(self) -> int:
        """Alone, its elements are far from each other where they are read."""
        return super()._width() if len(self.parts) > 1 else 1

    def _value(self, part: Part, index: Sequence[str]) -> str:
        eqn, form, y = part.eqn, part.form, part.output
        if not isinstance(form, Element):
            return super()._value(part, index)
        reads = [Read(x.shape, SUFFIX.get(x.dtype, ""), self.memory.access(x, x.shape).at) for x in eqn.operands]
        text = form.text(index[: y.ndim], y.shape, *reads, **eqn.params)
        if not text:
            raise UnfitError
        return f"const {C_TYPE[y.dtype]} {part.name} = {text.replace('{t}', SUFFIX.get(y.dtype, ''))};"
