"""Gathers, whose elements are functions of any elements of the inputs: pooling and its gradients, flips, `argmax`."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Gather
from ..c.memory import C_TYPE, SUFFIX, NoKernelError, extent
from ..c.row_parts import Part
from .epilogue import FirstAndEpilogue
from .work import Body


class GatherKernel(FirstAndEpilogue):
    """The elements of a gather, and the equations computed from each of them in the same thread. Raises NoKernelError
    if the expression of an element would be too long, or an equation needs more than one element."""

    def lines(self) -> Body:
        if not all(part.per_element for part in self.parts):
            raise NoKernelError
        return super().lines()

    @property
    def largest(self) -> int:
        return max(super().largest, *(extent(self.memory.places[x]) for x in self.first.operands))

    def _width(self) -> int:
        """A gather alone reads scattered elements: wide accesses would not help."""
        return super()._width() if len(self.parts) > 1 else 1

    def _value(self, part: Part, index: Sequence[str]) -> str:
        eqn, form, y = part.eqn, part.form, part.output
        if not isinstance(form, Gather):
            return super()._value(part, index)
        text = form.text(index[: y.ndim], y.shape, *self.memory.reads(eqn), **eqn.params)
        if not text:
            raise NoKernelError
        return f"const {C_TYPE[y.dtype]} {part.name} = {text.replace('{t}', SUFFIX.get(y.dtype, ''))};"
