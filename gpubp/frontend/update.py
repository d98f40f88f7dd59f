"""The second half of a training program: from gradients to new parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from functools import cached_property
from typing import Final

from dsl.diagnostics import Diagnostic
from dsl.graph import Choice, Train
from dsl.records import dataclass

from .. import ops
from ..data.batches import optimizer_of
from ..errors import ShapeError
from ..ir import Var, no_truth, origin, recording
from ..registry import Entry, lookup
from .layer_errors import LayerFails, layer_failure
from .layout import Group, Layout
from .learning_rate import Schedules, learning_rate
from .states import AVERAGE, LAST_STEP, ROWS, STEP, States, accumulated

GUARD: Final = "finite"
"""Output of a training program: whether every gradient is finite. If not, the step changes nothing."""

Updates = list[tuple[Var, Var]]


def gradient_name(group: Group) -> str:
    """The output of a training program that holds the gradients of a group, with the layout of its parameters."""
    return f"gradient.{group.name}"


class _Means:
    """Means over the batches of an update, weighted by rows, this batch included. `due`: it is the last of them;
    `kept`: the new values of their states."""

    def __init__(self, states: States, batch: int, due: Var) -> None:
        self.due = due
        rows = states.float64(ROWS)
        total = rows + float(batch)
        self._shares = rows / total, (total - rows) / total
        self.kept: Updates = [(rows, ops.where(due, 0.0, total))]

    def of(self, state: Var, value: Var) -> Var:
        """The mean of a value; `state` keeps it, not the sum, so that accumulation cannot overflow."""
        before, share = (ops.cast(part, dtype=value.dtype) for part in self._shares)
        mean = before * state + share * value
        self.kept.append((state, ops.where(self.due, 0.0, mean)))
        return mean


@dataclass(eq=False)
class _Shared:
    """What the updates of all groups share: the number of the update, the learning-rate factor, the loss of this batch,
    whether it is finite, its curvature, the means over the batches of a window, the new value of each state, and, if
    the optimizer can retract a step, whether it would this one, and the loss to which it returns."""

    states: States
    t: Var
    scale: Var
    batch_loss: Var
    finite: Var
    curvature: Mapping[Group, Var]
    window: int = 1
    means: _Means | None = None
    updates: dict[Var, Var] = field(default_factory=dict)
    retracted: tuple[Var, Var] | None = None

    @cached_property
    def last(self) -> Var:
        end, training = ops.cast(self.states.int64(STEP) + 1, dtype="float64"), self.states.float64(LAST_STEP)
        return ops.logical_and(end <= training, end + float(self.window) > training)

    @cached_property
    def loss(self) -> Var:
        loss = ops.cast(self.batch_loss, dtype="float64")
        return loss if self.means is None else self.means.of(self.states.float64("optimizer.gathered_loss"), loss)


@dataclass(eq=False)
class _Update:
    """The `cx` of an optimizer (gpubp.optim.UpdateContext) for one group. `asks_decays`: it has read `decays`,
    so weights and biases need a group each."""

    shared: _Shared
    group: Group
    asks_decays: bool = False

    @property
    def decays(self) -> bool:
        self.asks_decays = True
        return self.group.decays

    @property
    def step(self) -> Var:
        return self.shared.t

    @property
    def loss(self) -> Var:
        return self.shared.loss

    @property
    def last(self) -> Var:
        return self.shared.last

    @property
    def finite(self) -> Var:
        return self.shared.finite

    def retracts(self, trial: Var, loss: Var) -> None:
        self.shared.retracted = trial, loss

    @property
    def curvature(self) -> Var:
        return self.shared.curvature[self.group]

    def rate(self, lr: float) -> Var:
        return self.shared.scale * (lr * self.group.rate)

    def scalar(self, value: Var) -> Var:
        return ops.cast(value, dtype=self.shared.states.dtype)

    def named(self, value: Var, text: str) -> Var:
        self.shared.states.notation[value] = text
        return value

    def state(self, name: str, like: Var) -> Var:
        return self.shared.states.like_group(name, self.group)

    def number(self, name: str) -> Var:
        return self.shared.states.float64(f"optimizer.{name}")

    def assign(self, state: Var, value: Var) -> Var:
        return self.shared.updates.setdefault(state, value)


@dataclass(frozen=True, slots=True)
class Updated:
    """An update: the flat gradients that it uses, whether all of them are finite (for an optimizer that compares losses
    also the loss, for one of least squares also its curvature), whether it is retracted if not, with the loss to which
    it returns, and the new values of states."""

    gradients: Mapping[Group, Var]
    finite: Var
    retracted: tuple[Var, Var] | None
    states: Updates

    @property
    def guard(self) -> Var:
        """Whether the training goes on."""
        return self.finite if self.retracted is None else ops.where(self.finite, self.finite, self.retracted[0])


def update(
    train: Train,
    states: States,
    gradients: Mapping[str, Var],
    loss: Var,
    curvature: Callable[[Group], Var],
    batch: int,
) -> Updated:
    """One update for each group, on its flat buffer, and the step counter, from the gradients of a batch by parameter
    and its loss. `curvature` records the Gauss-Newton matrix of that loss, for an optimizer that asks for it.

    With `accumulate`, the gradients of that many batches are averaged first, weighted by rows; the other batches' steps
    change nothing else.
    """
    groups = [group for group in states.layout.groups if not group.frozen]
    flat = {group: flattened(group, gradients) for group in groups}
    step, window, optimizer = states.int64(STEP), accumulated(train), optimizer_of(train)
    searches = optimizer is not None and optimizer.line_search
    matrices = dict[Group, Var]()
    if optimizer is not None and optimizer.least_squares:
        with origin("the optimizer"):
            matrices = {group: curvature(group) for group in groups}
    batches = ops.cast(step, dtype="float64")
    means: _Means | None = None
    number = batches
    if window > 1:
        with origin(f"the mean gradient of {window} batches"):
            # The number of this update from 0, and the first batch of its window.
            number = ops.floor(batches / float(window))
            batches = number * float(window)
            means = _Means(states, batch, ops.cast(step + 1, dtype="float64") >= batches + float(window))
            flat = {group: means.of(states.like_group("gathered", group), g) for group, g in flat.items()}
    with origin("the largest gradient, and whether all are finite numbers"):
        largest = _largest(flat.values(), states.dtype)
        finite = ops.isfinite(largest)
        if searches:
            finite = ops.logical_and(finite, ops.isfinite(loss))
        for matrix in matrices.values():
            finite = ops.logical_and(finite, ops.isfinite(ops.max_(matrix)))
    clip, clipped = train.options.get("clip"), list(flat.values())
    if isinstance(clip, Choice) and clipped:
        with origin("clipping"):
            clipped = lookup("clip", clip.name).function(clipped, largest, **clip.options)
    with origin("the learning rate"):
        rate = learning_rate(train, states, batches)
        shared = _Shared(states, number + 1.0, rate, loss, finite, matrices, window, means)
        states.notation[shared.t] = "t"
    with origin("the optimizer"):
        for group, g in zip(groups, clipped, strict=True):
            _advance(train, _Update(shared, group), g)
    updates = list(shared.updates.items())
    if means is not None:
        updates = [*means.kept, *((state, ops.where(means.due, value, state)) for state, value in updates)]
    return Updated(flat, finite, shared.retracted, [*updates, (step, step + 1)])


def check_update(train: Train) -> tuple[list[Diagnostic], bool]:
    """The invalid options of optimizer, schedule, average and clipping, and whether the optimizer treats weights and
    biases differently; each is traced for a group of one parameter."""
    found: list[Diagnostic] = []
    group = Group("parameters", (), decays=True, size=1)
    states = States(Layout({}, (group,), {}), "float32")
    split_decay = False
    for key in ("schedule", "optimizer", "average", "clip"):
        choice = train.options.get(key)
        if not isinstance(choice, Choice):
            continue
        with recording():
            step, flat = states.float64("step"), states.flat(group)
            finite = states.get("finite", (), "bool")
            curvature = {group: states.get("curvature", (group.size, group.size), states.dtype)}
            cx = _Update(_Shared(states, step, step, step, finite, curvature), group)
            schedules = Schedules(states)
            arguments = {
                "average": (cx, flat, flat),
                "clip": ([flat], states.get("largest", (), states.dtype)),
            }
            try:
                if key == "schedule":
                    schedules.follow(choice, step, step)
                elif key == "optimizer":
                    _try_optimizer(lookup(key, choice.name), cx, flat, choice.options)
                else:
                    lookup(key, choice.name).function(*arguments[key], **choice.options)
            except ShapeError as error:
                help = (error.help,) if error.help else ()
                code, notes = (error.code, error.notes) if isinstance(error, LayerFails) else ("E0523", ())
                choice = schedules.followed or choice
                named = [span for name, span in choice.option_spans.items() if name in str(error)]
                span = named[0] if len(named) == 1 else choice.span
                found.append(Diagnostic(code, str(error), span, notes=notes, help=help))
        split_decay |= cx.asks_decays
    return found, split_decay


def _try_optimizer(entry: Entry, cx: _Update, flat: Var, options: Mapping[str, object]) -> None:
    """Trace an optimizer once. Raises ShapeError, whatever one from outside may raise or return."""
    try:
        with no_truth():
            new = entry.function(cx, flat, flat, **options)
    except Exception as error:
        reported = layer_failure(entry, error)
        raise reported from (error if reported is not error else None)
    if not isinstance(new, Var) or new.aval != flat.aval:
        what = f"{new.dtype} of shape {list(new.shape)}" if isinstance(new, Var) else f"a {type(new).__name__}"
        what = "nothing" if new is None else what
        parameters = f"the new parameters, {flat.dtype} of shape {list(flat.shape)}"
        raise LayerFails(f"the function of `{entry.name}` returns {what} in place of {parameters}")


def _advance(train: Train, cx: _Update, g: Var) -> None:
    """The new parameters of a group, and their average."""
    optimizer, average = train.options["optimizer"], train.options.get("average")
    assert isinstance(optimizer, Choice)
    flat = cx.shared.states.flat(cx.group)
    new = cx.assign(flat, lookup("optimizer", optimizer.name).function(cx, flat, g, **optimizer.options))
    if isinstance(average, Choice):
        old = cx.state(AVERAGE, like=flat)
        cx.assign(old, lookup("average", average.name).function(cx, old, new, **average.options))


def flattened(group: Group, gradients: Mapping[str, Var]) -> Var:
    """The gradients of a group with the order and padding of its parameters."""
    pieces: list[Var] = []
    for p, start, end in group.places():
        pieces.append(ops.reshape(gradients[p.name], shape=(p.size,)))
        if padding := end - start - p.size:
            pieces.append(ops.full((padding,), 0.0, gradients[p.name].dtype))
    return ops.concat(pieces, axis=0)


def _largest(gradients: Iterable[Var], dtype: str) -> Var:
    """The largest absolute value, NaN if there is a NaN: finite if and only if all of them are."""
    largest: Var | None = None
    for g in gradients:
        top = ops.max_(ops.absolute(g))
        largest = top if largest is None else ops.maximum(largest, top)
    return ops.full((), 0.0, dtype) if largest is None else largest
