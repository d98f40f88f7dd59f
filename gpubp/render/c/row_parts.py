"""Loop fusion by rows: which equations can be one loop over rows, and what it reads, keeps and writes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import field

from dsl.records import dataclass

from ...ir import CForm, Eqn, Fold, Rows, Scalar, Var, recording
from ...passes import Place
from .memory import Access, Memory, UnfitError, collapse, overlap

BUFFERED = 4096
"""Longest row, in elements, that may be buffered."""


@dataclass(eq=False, slots=True)
class Part:
    """An equation of the kernel. `full`: it has a value for each element of a row, else one per row; `turn`: how many
    reductions of the row must be complete before."""

    eqn: Eqn
    form: CForm
    full: bool
    turn: int
    name: str
    store: Access | None = None
    kept: bool = False
    reads: dict[int, Access] = field(default_factory=dict)

    @property
    def output(self) -> Var:
        return self.eqn.output

    @property
    def folds(self) -> bool:
        return isinstance(self.form, Fold)


class RowParts:
    """`eqns` over `shape`, whose last `inner` axes are a row; `stored`: the values that something else reads. Raises
    UnfitError if they cannot be computed that way."""

    def __init__(
        self, memory: Memory, eqns: Sequence[Eqn], shape: tuple[int, ...], stored: Collection[Var], inner: int = 1
    ) -> None:
        self.memory = memory
        self.shape = shape or (1,)
        self.lead = len(self.shape) - inner
        self.parts: list[Part] = []
        self.made: dict[Var, Part] = {}
        self.fixed: dict[Access, str] = {}
        for eqn in eqns:
            for each in self._expanded(eqn):
                self._enter(each)
        for part in self.parts:
            if part.output in stored:
                part.store = self._access(part.output, part.output.shape, part.full, write=True)
        self._check_order()
        self._fold_axes()
        self._keep()

    # Analysis -------------------------------------------------------------------------------------------------------
    def _expanded(self, eqn: Eqn) -> Iterator[Eqn]:
        """An equation, or its decomposition."""
        if not isinstance(eqn.op.c, Rows):
            yield eqn
            return
        if eqn.params["axis"] not in (-1, len(self.shape) - 1):
            raise UnfitError
        with recording() as steps:
            out = eqn.op.c.steps(*eqn.inputs, **eqn.params)
        for step in steps:
            yield Eqn(step.op, step.inputs, step.params, (eqn.output,) if step.output is out else step.outputs)

    def _enter(self, eqn: Eqn) -> None:
        form = eqn.op.c
        if form is None and eqn.op.view is not None:
            form = Scalar("{0}")
            eqn = self._seen(eqn)
        if isinstance(form, Fold):
            (value,) = eqn.operands
            axes = tuple(sorted(a % value.ndim for a in eqn.params["axis"]))
            if value.shape != self.shape or axes != tuple(range(self.lead, len(self.shape))):
                raise UnfitError
            full, inputs_full = False, True
        elif isinstance(form, Scalar):
            full = inputs_full = self._is_full(eqn.output.shape)
        else:
            raise UnfitError
        name = self.memory.names.get(eqn.output) or f"r{len(self.parts)}"
        part = Part(eqn, form, full, 0, name)
        for i, x in enumerate(eqn.inputs):
            if not isinstance(x, Var):
                continue
            maker = self.made.get(x) or self.made.get(self.memory.base(x))
            shape = self.shape if isinstance(form, Fold) else eqn.output.shape
            if maker is None:
                part.reads[i] = self._access(x, shape, inputs_full)
                continue
            if x is not maker.output and x in self.memory.places:
                # Through a view: it must show each element in its place.
                mine = self._access(maker.output, maker.output.shape, maker.full)
                if (
                    seen := self._access(x, shape, inputs_full)
                ).strides != mine.strides or seen.pointer != mine.pointer:
                    raise UnfitError
            elif x.shape != shape and (maker.full == inputs_full or (x.shape and x.ndim != len(shape))):
                raise UnfitError
            if maker.full and not inputs_full:
                raise UnfitError
            part.turn = max(part.turn, maker.turn + maker.folds)
        self.parts.append(part)
        self.made[eqn.output] = part

    def _seen(self, eqn: Eqn) -> Eqn:
        """A view that is computed: a copy of what it shows."""
        (x,) = eqn.operands
        place = self.memory.places[x]
        assert eqn.op.view is not None
        found = eqn.op.view(place.offset, place.shape, place.strides, **eqn.params)
        if found is None or self.memory.base(x) in self.made:
            raise UnfitError
        shown = Var(eqn.output.aval, eqn.output.hint)
        self.memory.places[shown] = Place(place.buffer, found[0], shown.shape, found[1])
        self.memory.names = {**self.memory.names, shown: self.memory.names[self.memory.base(x)]}
        return Eqn(eqn.op, (shown,), eqn.params, eqn.outputs, eqn.origin)

    def _is_full(self, shape: tuple[int, ...]) -> bool:
        if shape == self.shape:
            return True
        lead = self.shape[: self.lead]
        if shape not in (lead, (*lead, *(1,) * (len(self.shape) - self.lead))):
            raise UnfitError
        return False

    def _access(self, x: Var, shape: tuple[int, ...], full: bool, write: bool = False) -> Access:
        """A value, broadcast to the shape of the equation that reads or computes it, over the axes of the kernel."""
        if x not in self.memory.places:
            raise UnfitError
        found = self.memory.access(x, shape, write)
        strides = found.strides if full else (*found.strides[: self.lead], *(0,) * (len(self.shape) - self.lead))
        own = tuple(s if n != 1 else 0 for s, n in zip(strides, self.shape, strict=True))
        return found.along(own)

    # Conditions -----------------------------------------------------------------------------------------------------
    def _check_order(self) -> None:
        """No element may be overwritten before all readers of the old value are done."""
        stores = [(part, part.store) for part in self.parts if part.store is not None]
        for k, (part, store) in enumerate(stores):
            if any(s == 0 and n > 1 for s, n in zip(store.strides[: self.lead], self.shape, strict=False)):
                raise UnfitError
            if any(overlap(store.place, store.dtype, other.place, other.dtype) for _, other in stores[:k]):
                raise UnfitError
            for reader in self.parts:
                for read in reader.reads.values():
                    if not overlap(store.place, store.dtype, read.place, read.dtype):
                        continue
                    same = (store.pointer, store.strides) == (read.pointer, read.strides)
                    if not same or part.full != (reader.full or reader.folds) or reader.turn > part.turn:
                        raise UnfitError
                    if reader.folds and reader.turn == part.turn:
                        raise UnfitError

    def _fold_axes(self) -> None:
        """Merge axes."""
        accesses = self._accesses()
        head, tail = self.shape[: self.lead], self.shape[self.lead :]
        elementwise = not any(part.folds or not part.full for part in self.parts)
        if elementwise:
            head, tail = (), self.shape
        at = len(head)
        outer, outer_strides = collapse(head, [a.strides[:at] for a in accesses])
        inner, inner_strides = collapse(tail, [a.strides[at:] for a in accesses])
        if elementwise and len(inner) > 1:  # the last axis is the inner loop
            outer, inner = inner[:-1], inner[-1:]
            outer_strides = [s[:-1] for s in inner_strides]
            inner_strides = [s[-1:] for s in inner_strides]
        if len(inner) > 1:
            raise UnfitError
        if not inner:
            inner, inner_strides = (1,), [(0,)] * len(accesses)
        self.outer, self.length = outer, inner[0]
        new = {id(a): a.along((*o, *i)) for a, o, i in zip(accesses, outer_strides, inner_strides, strict=True)}
        for part in self.parts:
            part.reads = {i: new[id(a)] for i, a in part.reads.items()}
            part.store = None if part.store is None else new[id(part.store)]

    def _accesses(self) -> list[Access]:
        found = [a for part in self.parts for a in part.reads.values()]
        return found + [part.store for part in self.parts if part.store is not None]

    def _keep(self) -> None:
        """Find the values of a row that a later loop over it, or a reduction, reads again: they are buffered, unless
        they are in memory anyway."""
        self.in_pieces = False
        for part in self.parts:
            for x in part.eqn.operands:
                maker = self.made.get(x) or self.made.get(self.memory.base(x))
                if maker is None or not maker.full or (maker.turn == part.turn and not part.folds):
                    continue
                if maker.store is not None and maker.store.strides[-1] == 1:
                    continue
                if self.length <= BUFFERED:
                    maker.kept = True
                elif part.folds and part.turn == maker.turn:
                    maker.kept = self.in_pieces = True
                else:
                    raise UnfitError
        if self.in_pieces and any(part.turn for part in self.parts if part.full):
            raise UnfitError
