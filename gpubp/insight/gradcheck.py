"""Gradients compared with finite differences in float64, parameter by parameter."""

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
from ..frontend import check_feeds, trace_step
from .blame import Blame, blame
from .frozen_loss import FrozenLoss, Point

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS = (1e-4, 1e-5, 1e-6)
"""Step sizes of the differences relative to a weight (to 1, for smaller ones): shorter ones if a kink lies within."""
CLOSE = 1e-5
"""Maximum relative error of a derivative."""
NUDGE = 1e-2
"""Relative size of the perturbation of all parameters with which kinks are checked again."""


@dataclass(frozen=True, slots=True)
class Element:
    """One derivative: of the element at `index`, or along a random direction through all of them (`index` None).

    `error`: the relative error of the two values. `kind`: "ok"; "kink" if the loss has a corner here, and the
    derivative is right nearby; "fault"."""

    index: tuple[int, ...] | None
    backprop: float
    difference: float
    error: float
    kind: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A parameter with the derivatives that were checked; `size` is the number of its elements."""

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
    """The result of a check. `held`: primitives that stop gradients by definition; `blamed`: if there is a fault, the
    primitives whose derivative is wrong."""

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

    Of a parameter with more than `elements` elements, that many are drawn by the executor's seed, including the one
    with the largest gradient, and the derivative along a random direction through all elements is checked as well. The
    executor is unchanged afterwards. Raises InputError, NetError; GpubpError for another precision; DivergedError if
    the loss is not finite."""
    import numpy as np

    net = executor.net
    net.require_loss()
    if executor.dtype != "float64":
        raise GpubpError("differences need precision: check an executor of float64")
    arrays, rows = check_feeds(executor.backend, (*net.graph.inputs, *net.graph.targets), batch, executor.dtype)
    seen = trace_step(net, rows, executor.dtype)
    frozen_loss = FrozenLoss(executor, seen, arrays)
    loss, gradients = executor.gradients(batch)
    if not np.isfinite(loss):
        raise DivergedError(f"the loss is {loss}, which has no derivative")
    ways = {name: _directions(executor, name, gradients[name], elements) for name in gradients}
    with one_thread():  # with so few rows, threads would only wait for each other
        checker = _Checker(executor, frozen_loss, gradients)
        checked = {name: [checker.check(name, way) for way in ways[name]] for name in ways}
        if any(element.kind == "kink" for name in checked for element in checked[name]):
            with _perturbed(executor):
                frozen_loss.freeze()
                nearby = _Checker(executor, frozen_loss, executor.gradients(batch)[1])
                for name, found in checked.items():
                    pairs = zip(ways[name], found, strict=True)
                    checked[name] = [nearby.check_again(name, way, element) for way, element in pairs]
    parameters = tuple(Checked(name, gradients[name].size, tuple(found)) for name, found in checked.items())
    report = Report(parameters, rows, loss, frozen_loss.held, ())
    return report if report.ok else replace(report, blamed=blame(executor, seen, arrays))


@contextmanager
def _perturbed(executor: Executor) -> Iterator[None]:
    """Perturb all parameters a little, temporarily."""
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
"""The index of an element, None for a direction through all elements; and the direction."""


def _directions(executor: Executor, name: str, gradient: Any, elements: int) -> list[Way]:
    """The derivatives of a parameter to check."""
    import numpy as np

    size, shape = gradient.size, gradient.shape
    number = list(executor.net.layout.parameters).index(name)
    rng = generator(executor.seed, Purpose.GRADCHECK, 0, number)
    indices = np.arange(size)
    if size > elements:
        largest = int(np.abs(executor.backend.to_host(gradient)).argmax())
        others = rng.choice(size, elements, replace=False)
        indices = np.unique([largest, *others[others != largest][: elements - 1]])
    directions: list[Way] = []
    for index in indices:
        direction = np.zeros(size)
        direction[index] = 1.0
        directions.append((tuple(map(int, np.unravel_index(index, shape))), direction.reshape(shape)))
    if size > elements:
        directions.append((None, rng.uniform(0.5, 1.0, shape) * rng.choice([-1.0, 1.0], shape)))
    return directions


class _Checker:
    """Checks derivatives at the executor's present parameters."""

    def __init__(self, executor: Executor, held: FrozenLoss, gradients: Mapping[str, Any]) -> None:
        self._executor, self._loss, self._gradients = executor, held, gradients
        self._here = held()

    def check(self, name: str, way: Way) -> Element:
        """Compare one derivative with differences, with shorter and shorter steps until no kink lies within."""
        xp = self._executor.xp
        index, direction = way[0], xp.asarray(way[1])
        view = self._executor.parameters[name]
        backprop = float((self._gradients[name] * direction).sum())
        size = max(1.0, abs(float(view[index]))) if index is not None else 1.0
        start = xp.array(view)

        def at(t: float) -> Point:
            view[...] = start + t * direction
            return self._loss()

        try:
            results: list[Element] = []
            for h in STEPS:
                results.append(_difference(at, self._here, h * size, backprop))
                if results[-1].kind == "ok":
                    return replace(results[-1], index=index)
        finally:
            view[...] = start
        return replace(min(results, key=lambda one: (one.kind == "kink", one.error)), index=index)

    def check_again(self, name: str, way: Way, element: Element) -> Element:
        """For a derivative on a kink elsewhere, the fault that it has here, if any."""
        here = self.check(name, way) if element.kind == "kink" else element
        return here if here.kind == "fault" else element


def _difference(at: Callable[[float], Point], here: Point, h: float, backprop: float) -> Element:
    """Compare the derivative with a central difference of order h^4; "kink" if a kink lies within, or the one-sided
    slopes differ."""
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
    size = max(abs(backprop), abs(central)) + noise / CLOSE  # 0 where the loss is 0 everywhere
    error = abs(backprop - central) / size if size else 0.0
    if abs(from_right - from_left) > 1e-2 * max(abs(from_right), abs(from_left)) + 8 * noise:
        return Element(None, backprop, central, 0.0, "kink")
    return Element(None, backprop, central, error, "ok" if error <= CLOSE else "fault")
