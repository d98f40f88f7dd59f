"""Health monitoring: magnitudes of activations and gradients by layer, measured at some of the steps, and a
diagnosis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from dsl.records import dataclass

from ..executor import Executor, Rows
from ..frontend import TF32, Length
from ..health import Finding, Gauges, Size, diagnose, grown, risen, still, typical
from ..passes import Cost
from ..strict_json import rounded

EVERY, FIRST = 100, 32
"""Steps between two measurements, and the number of measurements at that interval; it doubles whenever the training has
become twice as long. A measurement takes up to twice as long as a NumPy step."""
SHARE = 0.03
"""Maximum share of measurements, which are never compiled, in the time of compiled steps."""
LEAST = 20
"""Minimum number of steps of a training to be measured; the loss of a shorter one may rise by chance."""
MANY = 512
"""Number of rows for which a unit must be 0 to be called dead."""


@dataclass(frozen=True, slots=True)
class _Speed:
    """The expected speed of a step: seconds per equation in NumPy or CuPy, and per call of a compiled step; bytes and
    operations per second of a compiled one."""

    equation: float
    call: float
    bytes: float
    flops: float


_SPEEDS = {"cpu": _Speed(3e-6, 3e-7, 3e10, 8e10), "gpu": _Speed(1e-5, 1.6e-6, 2.5e12, 5e13)}
_TENSOR = 3e14
"""Operations per second of products with TF32 factors. With it, and the speeds of a GPU, a compiled step of six nets is
0.6 to 1.5 times as long as it took an H100. How long CuPy takes for an equation was not measured."""


class Health:
    """Measures the steps of a training and keeps the findings.

    `rows`: the training data, placed; `length`: that of the training; `records`: the lines of `health.jsonl` from
    before this process. Which steps are measured depends on their numbers and on the training program alone, not on a
    clock, and does not affect the training: a resumed run takes the same measurements as an uninterrupted one. `notice`
    is called immediately for an exploding gradient.
    """

    def __init__(
        self,
        rows: Rows,
        length: Length,
        records: Iterable[Mapping[str, Any]],
        notice: Callable[[Finding], None] | None,
    ) -> None:
        self.rows, self.batch, self.notice = rows, min(length.batch, len(rows)), notice
        self.per_epoch, self.total = length.per_epoch, length.total
        self.found: list[list[Size]] = []
        self.noticed: list[Finding] = []
        self._before = [dict(record) for record in records]
        self._gauges: Gauges | None = None
        self._compiled: tuple[float, int] | None = None

    def steps_left(self, executor: Executor, step: int) -> int:
        """Maximum number of steps from `step`, the executor's current one, to the next measurement."""
        every = self.distance(executor, step)
        return every - step % every

    def due(self, executor: Executor, step: int) -> bool:
        """Whether step number `step` is measured."""
        return self.total >= LEAST and step < self.total and step % self.distance(executor, step) == 0

    def distance(self, executor: Executor, step: int) -> int:
        """Steps between two measurements from step number `step` on."""
        if self._compiled is None:
            self._compiled = _when_compiled(executor, self.batch)
        since, doubled = self._compiled
        often = (step // (EVERY * FIRST)).bit_length()
        return EVERY << (max(often, doubled) if step >= since else often)

    def measure(self, executor: Executor) -> list[dict[str, Any]]:
        """Measure the next step: a record for each layer. Empty if there is not enough memory for it."""
        gauges = self._ready(executor)
        if gauges is None:
            return []
        sizes = gauges.measure(self._batches(executor, 1))
        step = executor.step
        records = list(_records(sizes, step, step / self.per_epoch))
        # The written values are used, so that findings are the same after a resume.
        self._take(executor, _sizes(gauges, records))
        return records

    def conclude(
        self, executor: Executor, losses: Sequence[float], *, warm: bool = False
    ) -> tuple[list[dict[str, Any]], list[Finding]]:
        """The records of the final state, and the diagnosis from all records; `losses`: those of its epochs; `warm`:
        whether it began with trained weights, whose loss need not fall."""
        records = self.measure(executor) if self.total >= EVERY else []
        if self._before:
            self._ready(executor)  # also where a resumed training is too short to be measured again
        net = executor.net
        findings = list(self.noticed)
        if not findings and self.total >= LEAST:
            findings = risen(net, losses)
        if self.found:
            findings += [one for one in self._typical(executor) if one.kind not in {known.kind for known in findings}]
        # Another finding explains it, and has other remedies.
        if not findings and not warm:
            findings = still(net, losses)
        return records, findings

    def _typical(self, executor: Executor) -> list[Finding]:
        """What is wrong in most of the records. The rows of one batch do not show whether a unit is dead."""
        sizes, net = typical(self.found), executor.net
        findings = diagnose(net, sizes)
        if self._gauges is not None and any(one.kind == "dead" for one in findings):
            many = self._gauges.measure(self._batches(executor, -(-MANY // self.batch)))
            findings = diagnose(net, [replace(size, dead=min(size.dead, all_.dead)) for size, all_ in zip(sizes, many)])
        # Weights initialised to zero block the gradient in the first step only.
        return [one for one in findings if one.kind != "lost" or len(self.found) > 1]

    def _ready(self, executor: Executor) -> Gauges | None:
        """The program, built on first use; earlier records are loaded then."""
        if self._gauges is None:
            gauges = Gauges(executor, self.batch)
            free = executor.backend.free_memory()
            if not gauges.layers or (free is not None and gauges.memory > free):
                return None
            self._gauges = gauges
            for _, lines in groupby(self._before, key=lambda record: record["step"]):
                known = _sizes(gauges, list(lines))
                if known:
                    self._take(executor, known)
        return self._gauges

    def _take(self, executor: Executor, sizes: list[Size]) -> None:
        """Add the sizes of a step; the first sign of an exploding gradient is reported immediately. A single step is
        not sufficient, except for the first: there nothing has been learnt yet that could be lost."""
        net = executor.net
        now = [one for one in diagnose(net, sizes) if one.kind == "exploding"]
        if self.found and now:
            now = [one for one in diagnose(net, self.found[-1]) if one.kind == "exploding"] and now
        now = now or grown(net, self.found, sizes)
        self.found.append(sizes)
        if now and not self.noticed:
            self.noticed += now
            if self.notice is not None:
                self.notice(now[0])

    def _batches(self, executor: Executor, count: int) -> Iterator[list[Any]]:
        """The batch of the next step, and full batches after it in the same epoch."""
        step, rows = executor.step, len(self.rows)
        mixed = bool(executor.net.option("shuffle", True)) and rows > self.batch
        whole = rows // self.batch
        first = min(step % self.per_epoch, whole - 1)
        for number in range(min(count, whole)):
            start = (first + number) % whole * self.batch
            yield self.rows.batch(executor.seed, step // self.per_epoch, start, start + self.batch, mixed=mixed)


def _when_compiled(executor: Executor, batch: int) -> tuple[float, int]:
    """The step from which training runs compiled kernels, and how often the interval must be doubled then."""
    if not executor.backend.compiles:
        return math.inf, 0
    compiled, speed = executor.compiled("train", batch), _SPEEDS[executor.backend.name]
    costs, eqns = compiled.costs, len(compiled.plan.steps)
    fast = compiled_step(costs, executor.backend.name, tf32=executor.precision == TF32)
    slow = speed.equation * eqns + 4 * costs.traffic / speed.bytes + 2 * costs.flops / speed.flops
    return compiled.native_from, max(0, math.ceil(math.log2(slow / (SHARE * EVERY * fast))))


def compiled_step(costs: Cost, device: str, *, tf32: bool) -> float:
    """The estimated seconds of a compiled step."""
    speed = _SPEEDS[device]
    flops = _TENSOR if device == "gpu" and tf32 else speed.flops
    return speed.call + costs.traffic / speed.bytes + costs.flops / flops


def _records(sizes: Iterable[Size], step: int, epoch: float) -> Iterator[dict[str, Any]]:
    seen: dict[str, int] = {}
    for size in sizes:
        name = size.layer.name
        seen[name] = seen.get(name, 0) + 1
        yield {
            "step": step,
            "epoch": rounded(epoch),
            # Uses of one shared layer have the same name.
            "layer": name if seen[name] == 1 else f"{name} ({seen[name]})",
            "number": size.layer.number,
            "activation": rounded(size.result),
            "gradient": None if size.delta is None else rounded(size.delta),
            "dead": rounded(size.dead),
            "saturated": rounded(size.saturated),
        }


def _sizes(gauges: Gauges, records: Sequence[Mapping[str, Any]]) -> list[Size]:
    """The sizes in the records of a step; empty if they are of other layers."""
    if [record["number"] for record in records] != [layer.number for layer in gauges.layers]:
        return []
    return [
        replace(
            blank,
            result=float(record["activation"]),
            delta=None if record["gradient"] is None else float(record["gradient"]),
            dead=float(record["dead"]),
            saturated=float(record["saturated"]),
        )
        for blank, record in zip(gauges.blank, records, strict=True)
    ]
