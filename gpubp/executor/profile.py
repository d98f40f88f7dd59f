"""Profiling of a training step: the time of each kernel, compared with the machine's peak."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from dsl.records import dataclass

from ..backends import Loop
from ..errors import InputError
from ..frontend import describe
from ..ir import source_of
from ..passes import WorkCounter
from ..render import compile_source, plan_source
from .feeding import Rows
from .machine import Compiled, Machine

SECONDS = 0.5
"""How long steps are timed, in each way."""
MAX_STEPS, MIN_STEPS = 500, 5
"""Number of timed steps."""
AT_ONCE = 1000
"""Steps per call, if a call can run many."""


@dataclass(frozen=True, slots=True)
class ProfiledKernel:
    """A part of a step that runs as one kernel: compiled, or one call of the array module. `layer`: the layer it
    belongs to; `work`: its operations; `flops` and `bytes` of one run, `seconds` the median of several."""

    layer: str
    work: tuple[str, ...]
    compiled: bool
    seconds: float
    flops: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Profile:
    """A training step of `rows` rows. `seconds`: the median time of a whole step, `steps` of which were timed;
    `peak_flops`, `peak_bytes`: floating-point operations per second of a large matrix product and bytes per second of a
    large copy, measured at the same time."""

    rows: int
    dtype: str
    seconds: float
    steps: int
    kernels: tuple[ProfiledKernel, ...]
    peak_flops: float
    peak_bytes: float

    def reached(self, kernel: ProfiledKernel) -> float:
        """The fraction of the machine's peak that a kernel reaches, of arithmetic or of memory, whichever is larger.
        Data in the cache can take it above 1."""
        least = max(kernel.flops / self.peak_flops, kernel.bytes / self.peak_bytes)
        return least / kernel.seconds if kernel.seconds else 0.0


def profile(machine: Machine, placed: Rows, dtype: str, number: int, batch: int) -> Profile:
    """Time training steps on the first `batch` of the placed rows, compiled or not as step number `number` of training
    would be. The state is restored. Raises InputError if there are no rows."""
    rows = min(batch, len(placed))
    if rows < 1:
        raise InputError("there are no rows to take a training step with")
    compiled = machine.compiled("train", rows)
    bound = machine.bound("train", rows, step=number)
    kept = {name: machine.backend.to_host(array) for name, array in machine.arrays.items()}
    try:
        placed.fill(bound.feeds, 0, 0, 0, rows, mixed=False)
        feeds = [slot.copy() for slot in bound.feeds]
        if bound.many is not None:
            whole, steps = _many(machine, bound.many, feeds, dtype)
        else:
            whole, steps = _whole(machine, bound.step, lambda: _fill(bound.feeds, feeds))
        kernels = _kernels(machine, compiled, feeds, bound.native)
    finally:
        for name, array in kept.items():
            machine.arrays[name][...] = machine.backend.asarray(array)
    return Profile(rows, dtype, whole, steps, kernels, *_peaks(machine, dtype))


def _fill(slots: Any, feeds: Any) -> None:
    for slot, values in zip(slots, feeds, strict=True):
        slot[...] = values


def _repeated(once: Callable[[], float]) -> list[float]:
    """The times that `once` returns, after a warm-up."""
    for _ in range(3):
        once()
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(times) < MIN_STEPS or (len(times) < MAX_STEPS and time.perf_counter() < end):
        times.append(once())
    return times


def _whole(machine: Machine, step: Callable[[], None], fill: Callable[[], None]) -> tuple[float, int]:
    def once() -> float:
        fill()
        start = time.perf_counter()
        step()
        machine.backend.finish()
        return time.perf_counter() - start

    times = _repeated(once)
    return median(times), len(times)


def _many(machine: Machine, many: Loop, feeds: list[Any], dtype: str) -> tuple[float, int]:
    """Steps in one call."""
    kept = machine.backend.xp.empty((2, AT_ONCE), dtype=dtype)

    def once() -> float:
        start = time.perf_counter()
        many(feeds, None, len(feeds[0]), 0, AT_ONCE, list(kept))
        return (time.perf_counter() - start) / AT_ONCE

    times = _repeated(once)
    return median(times), len(times) * AT_ONCE


def _kernels(machine: Machine, compiled: Compiled, feeds: list[Any], native: bool) -> tuple[ProfiledKernel, ...]:
    plan, built, backend = compiled.plan, compiled.built, machine.backend
    source = backend.source(plan, "train", built.hints, describe, unfused=True) if native else None
    kernels = None if source is None else backend.library(source)
    stops = {} if source is None or kernels is None else {f.first: f.stop for f in source.functions}
    last, times = [0.0], dict[int, list[float]]()

    def mark(number: int) -> None:
        backend.finish()
        now = time.perf_counter()
        times.setdefault(number, []).append(now - last[0])
        last[0] = time.perf_counter()

    text = plan_source(plan, "train", built.hints, describe, source if stops else None, marked=True)
    bind = None if kernels is None else kernels.bind
    states = [machine.arrays[v.hint] for v in plan.states]
    scope = {"bind": bind, "mark": mark}
    step, slots, _ = compile_source(text, "bind_train", backend.xp, **scope)(backend.arena(plan.arena), *states)

    def once() -> float:
        _fill(slots, feeds)
        start = last[0] = time.perf_counter()
        step()
        return time.perf_counter() - start

    with backend.running():
        _repeated(once)
    work, found, at, end = WorkCounter(plan), [], 0, len(plan.steps)
    while at < end:
        stop = stops.get(at, at + 1)
        eqns = [one.eqn for one in plan.steps[at:stop]]
        layers = dict.fromkeys(describe(source_of(eqn.origin)) for eqn in eqns if eqn.origin is not None)
        names = tuple(eqn.op.name for eqn in eqns)
        seconds = median(times[at][3:]) if at in times else 0.0
        found.append(ProfiledKernel(next(iter(layers), "the program"), names, at in stops, seconds, *work.of(at, stop)))
        at = stop
    return tuple(found)


def _peaks(machine: Machine, dtype: str) -> tuple[float, float]:
    """The floating-point operations per second of a matrix product, and the bytes per second of a copy, read and
    written."""
    xp, backend, size = machine.backend.xp, machine.backend, 1024
    a, b, c = (xp.ones((size, size), dtype=dtype) for _ in range(3))
    long, other = (xp.ones(1 << 24, dtype="float32") for _ in range(2))

    def best(run: Callable[[], object]) -> float:
        times = []
        for _ in range(5):
            backend.finish()
            start = time.perf_counter()
            run()
            backend.finish()
            times.append(time.perf_counter() - start)
        return min(times)

    product = best(lambda: xp.matmul(a, b, out=c))
    copied = best(lambda: xp.copyto(other, long))
    return 2.0 * size**3 / product, 2.0 * long.nbytes / copied
