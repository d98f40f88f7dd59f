"""Which steps of a training are measured, on which rows, and what is made of the records."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.executor import Executor
from gpubp.frontend import Length
from gpubp.health import Finding, Gauges, Size
from gpubp.training.health import EVERY, Health, _records
from tests.render.compiled import needs_compiler

from .worlds import train, write_net

Make = Callable[..., tuple[Executor, Health]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """An executor, and what measures the steps of its training: 36 rows in batches of 8."""

    def made(total: int = 360, backend: str = "numpy", told: Any = None, **more: Any) -> tuple[Executor, Health]:
        net = gpubp.load(write_net(tmp_path))
        ex = Executor(net, "cpu", "float64", backend=backend)
        placed = ex.place(gpubp.data.load(net.graph, net.base, 0).part("train"))
        ex.fit_first(placed)
        return ex, Health(placed, Length(8, 5, total), more.pop("records", []), told)

    return made


def test_no_step_is_measured_that_never_comes(make: Make) -> None:
    ex, health = make(300)
    assert [step for step in (0, 100, 200, 300, 400) if health.due(ex, step)] == [0, 100, 200]


@needs_compiler
def test_compiled_steps_are_measured_more_rarely(make: Make) -> None:
    """A measurement takes as long as so many of them; by `auto` from the step on that is the first of them."""
    ex, health = make(10**7, "native")
    seldom = health.distance(ex, 0)
    assert EVERY << 6 <= seldom <= EVERY << 8
    ex, health = make(10**7, "auto")
    at = math.ceil(ex.compiled("train", 8).native_from)
    assert 1 < at < 10**6
    assert (health.distance(ex, at - 1), health.distance(ex, at)) == (EVERY, seldom)


@pytest.mark.parametrize("steps", [0, 7, 9, 10])
def test_the_rows_are_those_of_the_step_that_comes(make: Make, steps: int) -> None:
    """The last batch of an epoch has 4 rows: the whole one before it stands for it."""
    ex, health = make()
    if steps:
        ex.run_steps(health.rows, steps, 8)
    last = health.measure(ex)[-1]
    epoch, number = divmod(steps, 5)
    start = 8 * min(number, 3)
    x, _ = health.rows.batch(0, epoch, start, start + 8, mixed=True)
    assert last["activation"] == pytest.approx(math.sqrt(float((ex.predict({"x": x})["p"] ** 2).mean())), rel=1e-5)


def test_where_there_is_no_memory_nothing_is_measured(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    ex, health = make()
    monkeypatch.setattr(type(ex.backend), "free_memory", lambda self: 1000)
    assert health.measure(ex) == []
    assert health.conclude(ex, [1.0, 0.5, 0.2]) == ([], [])


def test_a_loss_that_rises_is_told_before_what_follows_from_it(make: Make) -> None:
    ex, health = make()
    for value in ex.parameters.values():
        value[...] = 0
    health.measure(ex)
    (risen, *others) = health.conclude(ex, [1.0, 0.5, 1.5])[1]
    assert risen.message == "the loss has risen: 1 in the first epoch, 1.5 in the last"
    assert risen.help[0].startswith("a smaller rate: ")
    assert "risen" not in {one.kind for one in others}
    health.noticed.append(Finding("exploding", "", ()))
    assert "risen" not in {one.kind for one in health.conclude(ex, [1.0, 0.5, 1.5])[1]}


def test_the_records_before_count(make: Make) -> None:
    """Where they are of the same layers."""
    ex, health = make()
    records = [*health.measure(ex), *({**one, "step": 100} for one in health.measure(ex))]
    _, again = make(records=records)
    again.measure(ex)
    assert len(again.found) == 3
    assert again.found[:2] == health.found
    _, other = make(records=[{**one, "number": one["number"] + 1} for one in records])
    other.measure(ex)
    assert len(other.found) == 1


@pytest.mark.parametrize(("order", "count"), [("sw", 0), ("ws", 1), ("wsws", 1)])
def test_a_gradient_that_grows_is_told_once(make: Make, order: str, count: int) -> None:
    """s: a step whose gradient is far larger than in one that is well, w."""
    told: list[Finding] = []
    ex, health = make(told=told.append)
    health.measure(ex)
    well = health.found.pop()
    sick = [replace(one, delta=1e5 * (one.delta or 0.0)) for one in well]
    for letter in order:
        health._take(ex, sick if letter == "s" else well)
    assert len(told) == len(health.noticed) == count
    assert len(health.found) == len(order)


def blank_of(net: gpubp.Net) -> list[Size]:
    return Gauges(Executor(net, "cpu", backend="numpy"), 4).blank


@pytest.mark.parametrize(("order", "wanted"), [("s", 1), ("ws", 0), ("wsws", 0), ("wss", 1), ("wsss", 1)])
def test_one_step_alone_shows_no_explosion(make: Make, order: str, wanted: int) -> None:
    """But for the first: there nothing has been learnt yet that could be lost."""
    text = "model {\n input x: [3]\n target y: [1]\n output p = x -> repeat 3 { dense(4) -> tanh } -> dense(1)\n}\n"
    net = gpubp.loads(text + "train {\n loss = mse(p, y)\n optimizer = sgd(lr = 0.1)\n epochs = 1\n}\n")
    ex, health = Executor(net, "cpu", backend="numpy"), make()[1]
    well = [replace(one, delta=1.0) for one in blank_of(net)]
    ill = [replace(well[0], delta=2e3), *well[1:]]
    for letter in order:
        health._take(ex, ill if letter == "s" else well)
    assert [one.kind for one in health.noticed] == ["exploding"] * wanted


def test_records_tell_layers_of_one_name_apart_and_hold_what_json_knows() -> None:
    text = "model {\n input x: [3]\n target y: [3]\n layer f = dense(3)\n output p = x -> f -> tanh -> f\n}\n"
    net = gpubp.loads(text + "train {\n loss = mse(p, y)\n optimizer = sgd(lr = 0.1)\n epochs = 1\n}\n")
    blank = blank_of(net)[0]
    first, second = _records([replace(blank, result=math.inf), replace(blank, result=1 / 3, delta=math.nan)], 5, 1.0)
    assert [first["layer"], second["layer"]] == [blank.layer.name, f"{blank.layer.name} (2)"]
    assert [first["activation"], second["activation"], second["gradient"]] == ["inf", 0.333333, "nan"]


DEAD = """
data {
  x, y = csv("a.csv", target = "y")
}
model {
  input  x: [3]
  target y: [1]
  output p = x -> dense(4, init = ones) -> relu -> dense(1)
}
train {
  loss = mse(p, y)
  optimizer = sgd(lr = 1e-9)
  batch = 20
  shuffle = false
  epochs = 30
}
"""


@pytest.mark.parametrize(("alive", "told"), [(True, False), (False, True)])
def test_rows_of_one_batch_do_not_tell_whether_a_unit_is_dead(tmp_path: Path, alive: bool, told: bool) -> None:
    """All that is measured are first batches of epochs, and their rows are below zero."""
    rows = np.full((200, 4), -1.0)
    rows[20:, :3] = 1.0 if alive else -2.0
    np.savetxt(tmp_path / "a.csv", rows, delimiter=",", header="a,b,c,y", comments="")
    run = gpubp.train(gpubp.loads(DEAD, base=tmp_path), "cpu")
    assert any(one.kind == "dead" for one in run.health) == told


def test_what_starts_from_another_run_may_stand_still(tmp_path: Path) -> None:
    kept = {"optimizer": "sgd(lr = 1e-9)", "length": "steps = 360"}
    first = train(write_net(tmp_path, **kept), out=tmp_path / "run")
    assert [one.kind for one in first.health] == ["still"]
    assert train(write_net(tmp_path, **kept, keys='  start = load("run")\n')).health == []
