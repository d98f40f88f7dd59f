"""Backpropagation beside finite differences in float64, parameter by parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dsl.records import dataclass

from ..backends import one_thread
from ..data import Purpose, generator
from ..errors import DivergedError, GpubpError
from ..executor import Executor
from ..frontend import check_feeds, watched
from .blame import Blame, blame
from .held import HeldLoss, Point

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS = (1e-4, 1e-5, 1e-6)
"""Steps of the differences, as parts of a weight (of 1, for a smaller one): a shorter one where a kink lies within."""
CLOSE = 1e-5
"""How far a derivative may be from the difference, as a part of it."""
NUDGE = 1e-2
"""How far all parameters are moved, as a part of their size, to look again at what stands on a kink."""


@dataclass(frozen=True, slots=True)
class Element:
    """One derivative: of the element at `index`, or along a random direction through all of them (`index` None).

    `error`: the distance of the two values as a part of the larger. `kind`: "ok"; "kink", where the loss has a corner
    here, and its derivative is right nearby; "fault".
    """

    index: tuple[int, ...] | None
    backprop: float
    difference: float
    error: float
    kind: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A parameter with the derivatives that were looked at; `size` is the number of its elements."""

    parameter: str
    size: int
    elements: tuple[Element, ...]

    @property
    def worst(self) -> Element:
        """The first fault, or else the largest error."""
        return max(self.elements, key=lambda e: (e.kind == "fault", e.kind == "ok", e.error))

    def count(self, kind: str) -> int:
        return sum(element.kind == kind for element in self.elements)


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. `held`: primitives through which no gradient goes, by definition; `blamed`: of a fault, the
    primitives whose own rule is wrong."""

    parameters: tuple[Checked, ...]
    rows: int
    loss: float
    held: tuple[str, ...]
    blamed: tuple[Blame, ...]

    @property
    def ok(self) -> bool:
        return not any(one.count("fault") for one in self.parameters)


def gradcheck(executor: Executor, batch: Mapping[str, Any], *, elements: int = 8) -> Report:
    """Compare the gradients of a float64 executor on a batch with differences of its loss, in training mode.

    Of a parameter with more than `elements` elements, so many are drawn by the executor's seed, the largest gradient
    among them, and the derivative along one direction through all of them is looked at, too. The executor is left as it
    was. Raises InputError, NetError; GpubpError for another precision; DivergedError where the loss is not finite.
    """
    import numpy as np

    net = executor.net
    net.require_loss()
    if executor.dtype != "float64":
        raise GpubpError("differences need precision: check an executor of float64")
    arrays, rows = check_feeds(executor.backend, (*net.graph.inputs, *net.graph.targets), batch, executor.dtype)
    seen = watched(net, rows, executor.dtype)
    held = HeldLoss(executor, seen, arrays)
    loss, gradients = executor.gradients(batch)
    if not np.isfinite(loss):
        raise DivergedError(f"the loss is {loss}, which has no derivative")
    chosen = {name: _chosen(executor, name, gradients[name], elements) for name in gradients}
    with one_thread():  # products of a few rows: threads would only wait for each other
        checker = _Checker(executor, held, gradients)
        found = {name: [checker.look(name, way) for way in ways] for name, ways in chosen.items()}
        if any(one.kind == "kink" for each in found.values() for one in each):
            with _moved(executor):
                held.hold()
                near = _Checker(executor, held, executor.gradients(batch)[1])
                for name, ways in chosen.items():
                    for i, way in enumerate(ways):
                        if found[name][i].kind == "kink" and (again := near.look(name, way)).kind == "fault":
                            found[name][i] = again
    report = Report(
        tuple(Checked(name, gradients[name].size, tuple(each)) for name, each in found.items()),
        rows,
        loss,
        held.held,
        (),
    )
    return report if report.ok else replace(report, blamed=blame(executor, seen, arrays))


@contextmanager
def _moved(executor: Executor) -> Iterator[None]:
    """Have all parameters a little beside their place, for a while."""
    xp, rng = executor.xp, generator(executor.seed, Purpose.GRADCHECK, 1)
    start = {name: xp.array(view) for name, view in executor.parameters.items()}
    try:
        for view in executor.parameters.values():
            view += NUDGE * (xp.abs(view) + 0.1) * xp.asarray(rng.standard_normal(view.shape))
        yield
    finally:
        for name, view in executor.parameters.items():
            view[...] = start[name]


Way = tuple[tuple[int, ...] | None, "NDArray[Any]"]
"""The index of an element with the direction along it; None for a direction through all."""


def _chosen(executor: Executor, name: str, gradient: Any, elements: int) -> list[Way]:
    """The derivatives of a parameter to look at."""
    import numpy as np

    size, shape = gradient.size, gradient.shape
    number = list(executor.net.layout.parameters).index(name)
    rng = generator(executor.seed, Purpose.GRADCHECK, 0, number)
    every = np.arange(size)
    if size > elements:
        largest = int(np.abs(executor.backend.to_host(gradient)).argmax())
        others = rng.choice(size, elements, replace=False)
        every = np.unique([largest, *others[others != largest][: elements - 1]])
    ways: list[Way] = []
    for at in every:
        way = np.zeros(size)
        way[at] = 1.0
        ways.append((tuple(map(int, np.unravel_index(at, shape))), way.reshape(shape)))
    if size > elements:
        ways.append((None, rng.uniform(0.5, 1.0, shape) * rng.choice([-1.0, 1.0], shape)))
    return ways


class _Checker:
    """Looks at derivatives where the executor's parameters stand."""

    def __init__(self, executor: Executor, held: HeldLoss, gradients: Mapping[str, Any]) -> None:
        self._executor, self._held, self._gradients = executor, held, gradients
        self._here = held()

    def look(self, name: str, way: Way) -> Element:
        """One derivative beside differences with steps that become shorter until no kink lies within."""
        xp = self._executor.xp
        index, direction = way[0], xp.asarray(way[1])
        view = self._executor.parameters[name]
        backprop = float((self._gradients[name] * direction).sum())
        size = max(1.0, abs(float(view[index]))) if index is not None else 1.0
        start = xp.array(view)

        def at(t: float) -> Point:
            view[...] = start + t * direction
            return self._held()

        try:
            results: list[Element] = []
            for h in STEPS:
                results.append(_difference(at, self._here, h * size, backprop))
                if results[-1].kind == "ok":
                    return replace(results[-1], index=index)
        finally:
            view[...] = start
        return replace(min(results, key=lambda one: (one.kind == "kink", one.error)), index=index)


def _difference(at: Callable[[float], Point], here: Point, h: float, backprop: float) -> Element:
    """The difference of order h^4 beside the derivative; "kink" where a kink lies within, or the two sides of the point
    have not one slope."""
    losses: list[float] = []
    for t in (h, -h, 2 * h, -2 * h):
        point = at(t)
        if not point.beside(here):
            return Element(None, backprop, (point.loss - here.loss) / t, 0.0, "kink")
        losses.append(point.loss)
    right, left, far_right, far_left = losses
    central = (8 * (right - left) - (far_right - far_left)) / (12 * h)
    from_right = (-3 * here.loss + 4 * right - far_right) / (2 * h)
    from_left = (3 * here.loss - 4 * left + far_left) / (2 * h)
    noise = 64 * 2.2e-16 * max(map(abs, (here.loss, *losses))) / h
    error = abs(backprop - central) / (max(abs(backprop), abs(central)) + noise / CLOSE)
    if abs(from_right - from_left) > 1e-2 * max(abs(from_right), abs(from_left)) + 8 * noise:
        return Element(None, backprop, central, 0.0, "kink")
    return Element(None, backprop, central, error, "ok" if error <= CLOSE else "fault")
