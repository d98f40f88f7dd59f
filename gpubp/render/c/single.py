"""Single equations as C loops: reductions over any axes, small matrix products, gathers, random numbers."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Call, Eqn, Gather, Product, Reduction, Routine, ScatterAdd, Var, aval_of, fill, literal
from ...passes import ITEM, Step, dense
from .memory import C_TYPE, SUFFIX, Access, Memory, NoKernelError, collapse
from .parallel import parallel_bounds
from .products import product
from .statements import braced, lane_loop, loops

ELEMENT = 4
"""Estimated elementary operations of an element with computed indices."""
STACK = 1 << 18
"""Maximum scratch of a thread on its stack in bytes: half of the smallest default stack of a thread."""


def single_kernel(memory: Memory, step: Step) -> list[str]:
    """The loops of one equation. Raises NoKernelError if its primitive has no C form."""
    eqn, form = step.eqn, step.eqn.op.c
    if form is None:
        raise NoKernelError
    out = memory.result(eqn)
    if isinstance(form, Reduction):
        return _reduction(memory, eqn, form, out)
    if isinstance(form, Product):
        return product(memory, eqn, out)
    if isinstance(form, Gather):
        return _gather(memory, eqn, form, out)
    if isinstance(form, ScatterAdd):
        return _scatter_add(memory, eqn, form, out)
    if isinstance(form, Call):
        return _call(memory, eqn, form, out)
    if isinstance(form, Routine):
        return _routine(memory, step, form, out)
    raise NoKernelError


def _nest(
    memory: Memory,
    shape: Sequence[int],
    body: Sequence[str],
    independent: bool = False,
    bounds: tuple[str, str] | None = None,
) -> list[str]:
    """A loop nest around statements, for each lane if there are lanes; `independent` and `bounds` as for `loops`."""
    lines = lane_loop(body) if memory.lanes else list(body)
    return loops(shape, lines, independent and not memory.lanes, bounds)


def _reduction(memory: Memory, eqn: Eqn, form: Reduction, out: Access) -> list[str]:
    """The result is initialised, then each element is accumulated, in memory order."""
    (x,) = eqn.operands
    reduced = {a % x.ndim for a in eqn.params["axis"]}
    read = memory.access(x, x.shape)
    kept = [k for k in range(x.ndim) if k not in reduced]
    out_strides = iter(out.strides)
    strides = [next(out_strides) if k not in reduced or len(out.strides) == x.ndim else 0 for k in range(x.ndim)]
    strides = [0 if k in reduced else s for k, s in enumerate(strides)]
    if not x.shape or x.shape[-1] == 0:
        raise NoKernelError
    shape, (to_strides, source_strides) = collapse(x.shape, [strides, read.strides])
    fill_shape, (fill_strides,) = collapse([x.shape[k] for k in kept], [[strides[k] for k in kept]])
    index = [f"i{k}" for k in range(len(shape))]
    suffix = SUFFIX[x.dtype]
    fill_access, fill_index = out.along(fill_strides), [f"i{k}" for k in range(len(fill_shape))]
    lines = _nest(memory, fill_shape, [f"{fill_access.at(fill_index)} = {form.start};"], independent=True)
    source = read.along(source_strides)
    if shape and not to_strides[-1] and source_strides[-1] == 1:
        # Contiguous elements are reduced at once.
        index[-1] = "0"
        target, first, length = out.along(to_strides).at(index), source.at(index, "0"), shape[-1]
        if memory.lanes:
            body = [
                f"{C_TYPE[x.dtype]} row[LANES];",
                f"{form.lanes}(&{first}, {length}, row);",
                *lane_loop([f"{target} = {fill(form.join, [target, 'row[l]'])};"]),
            ]
        else:
            body = [f"{target} = {fill(form.join, [target, f'{form.row}(&{first}, {length})'])};"]
        lines += loops(shape[:-1], body)
    else:
        target = out.along(to_strides).at(index)
        body = [f"{target} = {fill(form.join, [target, source.at(index)])};"]
        lines += _nest(memory, shape, body, independent=bool(shape and to_strides[-1]))
    return [line.replace("{t}", suffix) for line in lines]


def _gather(memory: Memory, eqn: Eqn, form: Gather, out: Access) -> list[str]:
    shape = eqn.output.shape
    index = [f"i{k}" for k in range(len(shape))]
    text = form.text(index, shape, *memory.reads(eqn), **eqn.params).replace("{t}", SUFFIX.get(eqn.output.dtype, ""))
    if not text:
        raise NoKernelError
    bounds = parallel_bounds(memory, shape[0], eqn.output.aval.size * ELEMENT) if shape else None
    return _nest(memory, shape, [f"{out.at(index)} = {text};"], independent=True, bounds=bounds)


def _scatter_add(memory: Memory, eqn: Eqn, form: ScatterAdd, out: Access) -> list[str]:
    y, value = eqn.output, eqn.operands[0]
    index = [f"i{k}" for k in range(max(y.ndim, value.ndim))]
    reads, own = memory.reads(eqn), index[: value.ndim]
    place = out.at(form.place(own, y.shape, *reads, **eqn.params))
    zeros = _nest(memory, y.shape, [f"{out.at(index[: y.ndim])} = 0;"], independent=True)
    return [*zeros, *_nest(memory, value.shape, [f"{place} = {place} + {reads[0](own)};"])]


def _call(memory: Memory, eqn: Eqn, form: Call, out: Access) -> list[str]:
    y = eqn.output
    call = f"{call_text(memory, eqn, form, out, 'all' if memory.lanes else out.pointer)};"
    if not memory.lanes:
        return [call]
    spread = f"for (int64_t j = 0; j < {y.aval.size}; j++) {out.along((1,)).at(['j'])} = all[j];"
    return [
        f"{C_TYPE[y.dtype]} all[{max(y.aval.size, 1)}];",
        *braced("for (int64_t l = 0; l < LANES; l++)", [call, spread]),
    ]


def call_text(memory: Memory, eqn: Eqn, form: Call, out: Access, pointer: str) -> str:
    """The call of a function that fills the result, at `pointer`. Raises NoKernelError unless that is contiguous and
    the operands are scalars."""
    y = eqn.output
    if out.place.strides != dense(y.shape) or any(x.shape for x in eqn.operands):
        raise NoKernelError
    text = form.text.replace("{t}", SUFFIX[y.dtype]).replace("{out}", pointer).replace("{size}", str(y.aval.size))
    for key, value in eqn.params.items():
        text = text.replace(f"{{{key}}}", literal(value))
    return fill(text, [memory.access(x, ()).at([]) if isinstance(x, Var) else literal(x) for x in eqn.inputs])


def _routine(memory: Memory, step: Step, form: Routine, out: Access) -> list[str]:
    eqn = step.eqn
    inputs = [memory.access(x, x.shape) for x in eqn.operands]
    if memory.lanes or any(a.place.strides != dense(a.place.shape) for a in (out, *inputs)):
        raise NoKernelError
    call = form.text(eqn.output.aval, *map(aval_of, eqn.inputs), **eqn.params)
    if call is None:
        raise NoKernelError
    kind, item = C_TYPE[eqn.output.dtype], ITEM[eqn.output.dtype]
    # Each thread has its own scratch, on its stack if it is small enough.
    small = sum(call.scratch) * item <= STACK
    begin, end = parallel_bounds(memory, call.iterations, call.work if small else 0, call.granule)
    text = call.call.replace("{t}", SUFFIX[eqn.output.dtype]).replace("{out}", out.pointer)
    text = text.replace("{begin}", begin).replace("{end}", end)
    lines = []
    for i, (v, size) in enumerate(zip(step.scratch, call.scratch, strict=False)):
        if memory.split is None:
            text = text.replace(f"{{s{i}}}", memory.access(v, v.shape, write=True).pointer)
        else:
            text = text.replace(f"{{s{i}}}", f"room{i}")
            lines.append(f"_Alignas(64) {kind} room{i}[{size}];")
    return [*lines, f"{fill(text, [a.pointer for a in inputs])};"]
