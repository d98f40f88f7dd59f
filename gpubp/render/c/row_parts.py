"""Loop fusion by rows: which equations can be one loop over rows, and what it reads, keeps and writes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import field

from dsl.records import dataclass

from ...ir import CForm, Elementwise, Eqn, Reduction, RowDecomposition, Var, recording
from ...passes import Place
from .memory import Access, Memory, NoKernelError, collapse, places_overlap

BUFFERED = 4096
"""Longest row, in elements, that may be buffered."""


def decomposition(eqn: Eqn, form: RowDecomposition) -> Iterator[Eqn]:
    """The equations that together compute the result of a row-wise one."""
    with recording() as steps:
        out = form.steps(*eqn.inputs, **eqn.params)
    for step in steps:
        outputs = eqn.outputs if step.output is out else step.outputs
        yield Eqn(step.op, step.inputs, step.params, outputs, eqn.origin)


@dataclass(eq=False, slots=True)
class Part:
    """An equation of the kernel. `per_element`: it has a value for each element of a row, else one per row; `phase`:
    how many reductions of the row must be complete before."""

    eqn: Eqn
    form: CForm
    per_element: bool
    phase: int
    name: str
    store: Access | None = None
    buffered: bool = False
    reads: dict[int, Access] = field(default_factory=dict)

    @property
    def output(self) -> Var:
        return self.eqn.output

    @property
    def reduces(self) -> bool:
        return isinstance(self.form, Reduction)

    @property
    def reduction(self) -> Reduction:
        assert isinstance(self.form, Reduction)
        return self.form


class RowParts:
    """`eqns` over `shape`, whose last `inner` axes are a row; `stored`: the values that something else reads. Raises
    NoKernelError if they cannot be computed that way."""

    def __init__(
        self, memory: Memory, eqns: Sequence[Eqn], shape: tuple[int, ...], stored: Collection[Var], inner: int = 1
    ) -> None:
        self.memory = memory
        self.shape = shape or (1,)
        self.lead = len(self.shape) - inner
        self.parts: list[Part] = []
        self.producers: dict[Var, Part] = {}
        self.fixed: dict[Access, str] = {}
        self.single = len(eqns) == 1
        for eqn in eqns:
            for each in self._expanded(eqn):
                self._add(each)
        for part in self.parts:
            if part.output in stored:
                part.store = self._access(part.output, part.output.shape, part.per_element, write=True)
        self._check_order()
        self._merge_axes()
        self._choose_buffered()

    # Analysis -------------------------------------------------------------------------------------------------------
    def _expanded(self, eqn: Eqn) -> Iterator[Eqn]:
        """An equation, or its decomposition."""
        if not isinstance(eqn.op.c, RowDecomposition):
            yield eqn
        elif eqn.params["axis"] in (-1, len(self.shape) - 1):
            yield from decomposition(eqn, eqn.op.c)
        else:
            raise NoKernelError

    def _add(self, eqn: Eqn) -> None:
        form = eqn.op.c
        if form is None and eqn.op.view is not None:
            form = Elementwise("{0}")
            eqn = self._as_copy(eqn)
        if isinstance(form, Reduction):
            (value,) = eqn.operands
            axes = tuple(sorted(a % value.ndim for a in eqn.params["axis"]))
            if value.shape != self.shape or axes != tuple(range(self.lead, len(self.shape))):
                raise NoKernelError
            per_element, inputs_per_element = False, True
        elif isinstance(form, Elementwise):
            per_element = inputs_per_element = self._is_per_element(eqn.output.shape)
        else:
            raise NoKernelError
        name = self.memory.names.get(eqn.output) or f"r{len(self.parts)}"
        part = Part(eqn, form, per_element, 0, name)
        for i, x in enumerate(eqn.inputs):
            if isinstance(x, Var):
                self._connect(part, i, x, inputs_per_element)
        self.parts.append(part)
        self.producers[eqn.output] = part

    def _connect(self, part: Part, i: int, x: Var, per_element: bool) -> None:
        """Input `i` of a part is read from memory, or is the value of an earlier part. `per_element`: whether the part
        reads each element of a row. Raises NoKernelError if the value is not available row by row."""
        producer = self._producer(x)
        shape = self.shape if part.reduces else part.output.shape
        if producer is None:
            part.reads[i] = self._access(x, shape, per_element)
            return
        if x is not producer.output and x in self.memory.places:
            # A view of the value: it must have each element in its place.
            stored = self._access(producer.output, producer.output.shape, producer.per_element)
            viewed = self._access(x, shape, per_element)
            if viewed.strides != stored.strides or viewed.pointer != stored.pointer:
                raise NoKernelError
        elif x.shape != shape and (producer.per_element == per_element or (x.shape and x.ndim != len(shape))):
            raise NoKernelError
        if producer.per_element and not per_element:
            raise NoKernelError
        part.phase = max(part.phase, producer.phase + producer.reduces)

    def _producer(self, x: Var) -> Part | None:
        """The part that computes a value, or what it is a view of; None if it is read from memory."""
        return self.producers.get(x) or self.producers.get(self.memory.base(x))

    def _as_copy(self, eqn: Eqn) -> Eqn:
        """A view that has to be computed, as a copy of the elements it shows."""
        (x,) = eqn.operands
        place = self.memory.places[x]
        assert eqn.op.view is not None
        layout = eqn.op.view(place.offset, place.shape, place.strides, **eqn.params)
        if layout is None or self.memory.base(x) in self.producers:
            raise NoKernelError
        viewed = Var(eqn.output.aval, eqn.output.hint)
        self.memory.places[viewed] = Place(place.buffer, layout[0], viewed.shape, layout[1])
        self.memory.names = {**self.memory.names, viewed: self.memory.names[self.memory.base(x)]}
        return Eqn(eqn.op, (viewed,), eqn.params, eqn.outputs, eqn.origin)

    def _is_per_element(self, shape: tuple[int, ...]) -> bool:
        if shape == self.shape:
            return True
        lead = self.shape[: self.lead]
        if shape not in (lead, (*lead, *(1,) * (len(self.shape) - self.lead))):
            raise NoKernelError
        return False

    def _access(self, x: Var, shape: tuple[int, ...], per_element: bool, write: bool = False) -> Access:
        """A value, broadcast to the shape of the equation that reads or computes it, over the axes of the kernel."""
        if x not in self.memory.places:
            raise NoKernelError
        access = self.memory.access(x, shape, write)
        inner = len(self.shape) - self.lead
        strides = access.strides if per_element else (*access.strides[: self.lead], *(0,) * inner)
        return access.along(tuple(s if n != 1 else 0 for s, n in zip(strides, self.shape, strict=True)))

    # Conditions -----------------------------------------------------------------------------------------------------
    def _check_order(self) -> None:
        """No element may be overwritten before all readers of the old value are done."""
        stores = [(part, part.store) for part in self.parts if part.store is not None]
        for k, (part, store) in enumerate(stores):
            if any(s == 0 and n > 1 for s, n in zip(store.strides[: self.lead], self.shape, strict=False)):
                raise NoKernelError
            if any(places_overlap(store.place, store.dtype, other.place, other.dtype) for _, other in stores[:k]):
                raise NoKernelError
            for reader in self.parts:
                for read in reader.reads.values():
                    if not places_overlap(store.place, store.dtype, read.place, read.dtype):
                        continue
                    same = (store.pointer, store.strides) == (read.pointer, read.strides)
                    each = reader.per_element or reader.reduces
                    if not same or part.per_element != each or reader.phase > part.phase:
                        raise NoKernelError
                    if reader.reduces and reader.phase == part.phase:
                        raise NoKernelError

    def _merge_axes(self) -> None:
        """Merge axes."""
        accesses = self._accesses()
        head, tail = self.shape[: self.lead], self.shape[self.lead :]
        elementwise = not any(part.reduces or not part.per_element for part in self.parts)
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
            raise NoKernelError
        if not inner:
            inner, inner_strides = (1,), [(0,)] * len(accesses)
        self.outer, self.length = outer, inner[0]
        new = {id(a): a.along((*o, *i)) for a, o, i in zip(accesses, outer_strides, inner_strides, strict=True)}
        for part in self.parts:
            part.reads = {i: new[id(a)] for i, a in part.reads.items()}
            part.store = None if part.store is None else new[id(part.store)]

    def _accesses(self) -> list[Access]:
        access = [a for part in self.parts for a in part.reads.values()]
        return access + [part.store for part in self.parts if part.store is not None]

    def _choose_buffered(self) -> None:
        """Find the values of a row that a later loop over it, or a reduction, reads again: they are buffered, unless
        they are in memory anyway."""
        self.chunked = False
        for part in self.parts:
            for x in part.eqn.operands:
                producer = self._producer(x)
                if producer is None or not producer.per_element or (producer.phase == part.phase and not part.reduces):
                    continue
                if producer.store is not None and producer.store.strides[-1] == 1:
                    continue
                if self.length <= BUFFERED:
                    producer.buffered = True
                elif part.reduces and part.phase == producer.phase:
                    producer.buffered = self.chunked = True
                else:
                    raise NoKernelError
        if self.chunked and any(part.phase for part in self.parts if part.per_element):
            raise NoKernelError
