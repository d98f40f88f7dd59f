"""The trace of a step: its numbers are those of the executor, its formulas say how they are made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.insight import Line, Trace, as_text, document, drawn, trace

from .worlds import ALL, MODELS, executor, model

HERE = Path(__file__).parent


def lines(told: Trace) -> Iterator[Line]:
    yield from told.feeds
    for step in told.steps:
        yield from step.forward
    yield from told.loss
    for step in reversed(told.steps):
        yield from step.backward


@pytest.mark.parametrize(("name", "rows"), [*((name, 3) for name in ALL), ("xor", 1), ("iris", 1), ("digits_gru", 1)])
def test_gradients_and_loss_are_those_of_the_executor(name: str, rows: int) -> None:
    ex, batch = model(name, rows)
    before = {key: np.array(value) for key, value in ex.state_dict().items()}
    told = trace(ex, batch)
    loss, gradients = ex.gradients(batch)
    assert told.loss[-1].value == pytest.approx(loss, rel=1e-12)
    assert list(told.gradients) == list(gradients)
    for key, wanted in gradients.items():
        scale = np.abs(wanted).max(initial=0)
        np.testing.assert_allclose(told.gradients[key], wanted, rtol=1e-9, atol=1e-12 * scale, err_msg=key)
    shown = {line.about: line.value for step in told.steps for line in step.backward if line.about}
    for key, value in shown.items():
        np.testing.assert_array_equal(value, told.gradients[key], err_msg=key)
    ex.set_counters({"epoch_steps": 1, "total_steps": ex.net.option("epochs")})
    ex.train_step(batch)
    for change in told.changes:
        np.testing.assert_array_equal(change.before, before[change.parameter])
        np.testing.assert_array_equal(change.after, ex.parameters[change.parameter], err_msg=change.parameter)


@pytest.mark.parametrize("name", ALL)
def test_every_value_is_told_once_and_from_what_was_told_before(name: str) -> None:
    ex, batch = model(name)
    known = {"seed", "step"}
    words = re.compile(r"dL/d\w+|[A-Za-z_][\w.]*(?!\w*\()")
    for line in lines(trace(ex, batch)):
        used = {word for word in words.findall(line.formula) if not re.fullmatch(r"T|axis|axes|e|inf", word)}
        if not line.inner:
            assert {word for word in used if f"{word}(" not in line.formula} <= known, line.formula
        names = line.name.split(", ")
        assert known.isdisjoint(names), line.name
        known.update(names)


FUNCTIONS: dict[str, Any] = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid_cross_entropy": lambda z, y: np.logaddexp(0, z) - y * z,
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(-1, keepdims=True),
    "log_softmax": lambda z: z - np.log(np.exp(z).sum(-1, keepdims=True)),
    "where": np.where,
    "maximum": np.maximum,
    "one_hot": lambda labels: np.eye(3)[labels],
    **{name: getattr(np, name) for name in ("tanh", "exp", "log", "sqrt", "sum")},
}


@pytest.mark.parametrize(
    "name", ["worked_example", "xor", "xor_numpy", "spiral", "iris", "deep_sigmoid", "deep_mended"]
)
def test_the_formulas_are_true(name: str) -> None:
    """Each, computed as it stands, gives the value beside it."""
    ex, batch = model(name)
    known: dict[str, Any] = {}
    checked = 0
    for line in lines(trace(ex, batch)):
        identifier = line.name.replace("/", "_").replace(".", "_")
        value = line.value
        if line.formula:
            text = re.sub(r"dL/d", "dL_d", line.formula).replace("^T", ".T").replace("^", "**")
            text = re.sub(r", axis (-?\d)\)", r", axis=\1, keepdims=True)", text).replace(", axes 0, 1)", ")")
            found = eval(re.sub(r"(?<=[a-z])\.(?=[a-z])", "_", text), {**FUNCTIONS, **known})
            np.testing.assert_allclose(np.asarray(found).reshape(value.shape), value, rtol=1e-9, atol=1e-15)
            checked += 1
        row = not (line.about or line.name.startswith("t") or value.ndim == 0)
        known[identifier] = value[None] if row or value.ndim == 0 else value
    assert checked > 8


def test_without_a_loss_it_is_the_forward_pass_of_a_prediction() -> None:
    text = """
model {
  input  x: [4]
  target y: [1]
  hidden   = x -> dense(3) -> batchnorm -> relu -> dropout(50%)
  output p = hidden -> dense(1) -> sigmoid
  error    = (p - y)^2
}
"""
    ex = gpubp.Executor(gpubp.loads(text), "cpu", "float64", backend="numpy")
    rows = drawn(ex.net, 3)
    told = trace(ex, rows)
    values = {line.name: line.value for line in lines(told)}
    results = {step.layer.name: values[step.result] for step in told.steps}
    np.testing.assert_allclose(results["p"], ex.predict({"x": rows["x"]})["p"][0], rtol=1e-12)
    np.testing.assert_allclose(results["error"], (results["p"] - rows["y"][0]) ** 2, err_msg="of a target, too")
    assert (told.loss, told.update, told.changes, dict(told.gradients)) == ((), (), (), {})
    assert not any(step.backward or step.delta for step in told.steps)


def test_the_worked_example_as_text() -> None:
    ex, batch = model("worked_example")
    assert as_text(document(trace(ex, batch))) + "\n" == (HERE / "worked_example.txt").read_text("utf-8")


TIED = """
model {
  input  x: [3]
  target y: [3]
  layer shared = dense(3)
  h = x -> shared -> tanh
  output p = h -> shared
}
train {
  loss = mse(p, y)
  optimizer = sgd(lr = 0.1, momentum = 0.9)
  epochs = 1
}
"""


def test_tied_weights_get_the_sum_of_what_comes_back_from_each_use() -> None:
    ex = gpubp.Executor(gpubp.loads(TIED), "cpu", "float64")
    told = trace(ex, {"x": [[0.1, 0.2, 0.3]], "y": [[1, 0, 1]]})
    (line,) = [line for step in told.steps for line in step.backward if line.about == "shared.weight"]
    assert line.formula == "a1^T @ delta2 + x^T @ delta1"
    assert told.update == ("velocity' = 0.9 * velocity - 0.1 * g", "w' = w + velocity'")


def test_of_a_batch_every_line_shows_the_row_that_is_followed() -> None:
    """The deviation from the mean, the mask of dropout and the way back too; statistics of the batch are none's."""
    text = TIED.replace("x -> shared -> tanh", "x -> shared -> batchnorm -> dropout(50%)")
    ex, rows = gpubp.Executor(gpubp.loads(text), "cpu", "float64"), np.random.default_rng(0).normal(size=(5, 3))
    told = trace(ex, {"x": rows, "y": rows})
    lines = {
        f"{line.name} = {line.formula}": line.value for one in told.steps for line in (*one.forward, *one.backward)
    }
    shapes = {formula: value.shape for formula, value in lines.items() if re.match(r"t\d+ = ", formula)}
    assert any("uniform" in formula for formula in shapes)
    assert len(shapes) > 3
    assert set(shapes.values()) == {(3,)}
    every = rows @ ex.parameters["shared.weight"] + ex.parameters["shared.bias"]
    np.testing.assert_allclose(lines["a1 = x @ W1 + b1"], every[0])
    np.testing.assert_allclose(lines["t1 = sum(a1, axis 0) * 0.2"], every.mean(0))


RUNNING = TIED.replace("  layer shared", "  layer norm = batchnorm\n  layer shared")


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        (RUNNING.replace("tanh", "norm"), ["h"]),
        # Of a shared layer the last use has the last word.
        (RUNNING.replace("x -> shared -> tanh", "x -> norm -> shared -> norm"), ["h"]),
        (RUNNING.replace("tanh", "norm").replace("epochs = 1", "epochs = 1\n  freeze = [norm]"), []),
        (TIED.replace("tanh", "standardize"), []),
    ],
)
def test_running_statistics_become_what_the_step_makes_of_them(text: str, layers: list[str]) -> None:
    ex, rows = gpubp.Executor(gpubp.loads(text), "cpu", "float64"), np.random.default_rng(0).normal(size=(5, 3))
    ex.fit({"x": rows})
    told = trace(ex, {"x": rows, "y": rows})
    known = {line.name: line for line in lines(told)}
    new = [(step.layer.name, line) for step in told.steps for line in step.forward if line.name.endswith("'")]
    assert [layer for layer, _ in new] == 2 * layers
    before = ex.state_dict()
    ex.train_step({"x": rows, "y": rows})
    for _, line in new:
        old = known[line.name.removesuffix("'")]
        np.testing.assert_allclose(old.value, before[old.about])
        np.testing.assert_allclose(line.value, ex.state_dict()[old.about])
        assert re.match(rf"0\.9 \* .*{old.name} \+", line.formula)


ADAM = ("m' = 0.9 * m + 0.1 * g", "v' = 0.999 * v + 0.001 * g^2")


@pytest.mark.parametrize(
    ("train", "told"),
    [
        ("adam(lr = 0.1)", (*ADAM, "w' = w - 0.1 / (1 - 0.9^t) * m' / (sqrt(v' / (1 - 0.999^t)) + 1e-08)")),
        (
            "sgd(lr = 0.1)\n  average = ema(0.99)",
            ("average' = average + 0.01 / (1 - 0.99^t) * (w' - average)", "w' = w - 0.1 * g"),
        ),
        (
            "sgd(lr = 0.1)\n  schedule = plateau(train.loss, patience = 3epochs)",
            ("w' = w - rate_scale * 0.1 * g",),
        ),
        (
            "quickprop",
            (
                "slope' = g",
                "t1 = (-sign(move)) * g",
                "t2 = (-sign(move)) * slope",
                "t3 = t1 >= 0.636364 * t2",
                "move' = where(t3, 1.75, t1 / where(t3, 1, t2 - t1)) * move - where(t1 < 0, 0, 0.01 * g)",
                "w' = w + move'",
            ),
        ),
    ],
)
def test_an_update_is_written_as_its_paper_writes_it(train: str, told: tuple[str, ...]) -> None:
    net = gpubp.loads(TIED.replace("sgd(lr = 0.1, momentum = 0.9)", train))
    ex, batch = gpubp.Executor(net, "cpu", "float64"), {"x": [[0.1, 0.2, 0.3]], "y": [[1, 0, 1]]}
    assert trace(ex, batch).update == told


def test_a_rate_that_the_host_has_scaled_is_told() -> None:
    ex = gpubp.Executor(gpubp.loads(TIED.replace(", momentum = 0.9", "")), "cpu", "float64")
    ex.set_counters({"rate_scale": 0.5})
    assert trace(ex, {"x": [[0.1, 0.2, 0.3]], "y": [[1, 0, 1]]}).update == ("w' = w - rate_scale * 0.1 * g",)


def test_what_the_optimizer_keeps_is_told_with_its_numbers() -> None:
    ex = gpubp.Executor(gpubp.loads(TIED), "cpu", "float64")
    batch = {"x": [[0.1, 0.2, 0.3]], "y": [[1, 0, 1]]}
    last = {name: np.zeros_like(value) for name, value in ex.parameters.items()}
    for _ in range(3):
        told = trace(ex, batch)
        for change in told.changes:
            ((name, (before, after)),) = change.kept.items()
            assert name == "velocity"
            np.testing.assert_array_equal(before, last[change.parameter])
            np.testing.assert_allclose(after, 0.9 * before - 0.1 * told.gradients[change.parameter], rtol=1e-12)
            np.testing.assert_allclose(change.after, change.before + after, rtol=1e-12)
            last[change.parameter] = after
        ex.train_step(batch)
    text = as_text(document(told))
    assert len(re.findall(r"^    velocity +\[.* becomes \[", text, re.MULTILINE)) == 2
    adam = gpubp.loads(TIED.replace("sgd(lr = 0.1, momentum = 0.9)", "adam(lr = 0.1)"))
    assert [list(one.kept) for one in trace(gpubp.Executor(adam, "cpu"), batch).changes] == [["m", "v"]] * 2


def test_names_of_the_file_are_left_to_the_file() -> None:
    text = TIED.replace("x: ", "a1: ").replace("x ->", "a1 ->").replace("y: ", "W1: ").replace("(p, y)", "(p, W1)")
    told = trace(gpubp.Executor(gpubp.loads(text), "cpu"), {"a1": [[0.1, 0.2, 0.3]], "W1": [[1, 0, 1]]})
    assert [line.name for line in told.feeds] == ["a1", "W1"]
    assert [line.formula for line in told.steps[0].forward] == ["", "", "a1 @ W1_ + b1", "tanh(z1)"]


FROZEN = TIED.replace("epochs = 1", "epochs = 1\n  freeze = [shared]").replace("h -> shared", "h -> dense(3)")


def test_frozen_weights_have_no_gradient_and_do_not_change() -> None:
    ex = gpubp.Executor(gpubp.loads(FROZEN), "cpu", "float64")
    batch = {"x": [[0.1, 0.2, 0.3]], "y": [[1, 0, 1]]}
    told = trace(ex, batch)
    assert list(told.gradients) == list(ex.gradients(batch)[1]) == ["p.dense.weight", "p.dense.bias"]
    assert [one.parameter for one in told.changes] == list(told.gradients)
    assert told.steps[0].backward == ()


def test_what_the_loss_does_not_see_has_no_delta() -> None:
    text = TIED.replace("output p = h -> shared", "output p = h -> shared\n  output aside = x -> dense(2)")
    ex = gpubp.Executor(gpubp.loads(text), "cpu", "float64")
    told = trace(ex, {"x": [[0.1, 0.2, 0.3]], "y": [[1, 0, 1]]})
    assert told.steps[-1].layer.name == "aside"
    assert (told.steps[-1].delta, told.steps[-1].backward) == ("", ())
    assert not told.gradients["aside.dense.weight"].any()


def test_a_large_array_is_told_in_short() -> None:
    found = trace(*model("digits_cnn"))
    long, short = ({**document(found, most=most)["layers"][0]["forward"][-1]} for most in (2048, 2047))
    whole = np.array(long["value"].pop("values"))
    assert short["value"].pop("first") == whole.reshape(-1)[:6].tolist()
    assert long == short
    assert long["value"]["shape"] == list(whole.shape) == [8, 8, 32]
    assert long["value"]["min"] < long["value"]["mean"] < long["value"]["max"]
    assert as_text(document(found, most=2048)) == as_text(document(found, most=2047))


def test_the_executor_of_another_precision_tells_its_own_numbers() -> None:
    net = gpubp.load(MODELS / "xor.net")
    ex, rows = executor(net, "float32")
    told = trace(ex, {key: value[:1] for key, value in rows.items()})
    assert told.dtype == "float32"
    assert {line.value.dtype.name for line in lines(told)} == {"float32"}
