"""The check of gradients is checked: it passes where they are right, and names what is wrong where they are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp import ops
from gpubp.insight import Report, drawn, gradcheck
from gpubp.ir import PRIMITIVES, Primitive, Var
from tests.robustness.generated import generated

from .worlds import ALL, executor, model


@pytest.mark.parametrize("name", ALL)
def test_the_models_pass(name: str) -> None:
    """Along a direction through all elements of each parameter, and along one."""
    ex, batch = model(name, 2)
    before = ex.state_dict()
    report = gradcheck(ex, batch, elements=1)
    assert report.ok, report
    assert {one.parameter for one in report.parameters} == set(ex.gradients(batch)[1])
    for key, value in ex.state_dict().items():
        np.testing.assert_array_equal(value, before[key], err_msg=key)


@pytest.mark.parametrize("seed", range(30))
def test_random_nets_pass(seed: int) -> None:
    ex, rows = executor(gpubp.loads(generated(Random(seed))))
    with np.errstate(all="ignore"):
        report = gradcheck(ex, rows, elements=3)
    assert report.ok, (report, ex.net.graph.source.text)


@contextmanager
def planted(op: Primitive, factor: float = 1.001) -> Iterator[None]:
    """A derivative that is wrong by 0.1 % inside of the block."""
    right = op.vjp
    assert right is not None

    def wrong(*args: Any, **params: Any) -> Sequence[Var | None]:
        return [None if c is None else c * factor for c in right(*args, **params)]

    object.__setattr__(op, "vjp", wrong)
    try:
        yield
    finally:
        object.__setattr__(op, "vjp", right)


@pytest.mark.parametrize(
    ("name", "primitive", "place"),
    [
        ("xor", "tanh", "`hidden.tanh`"),
        ("xor", "matmul", "`hidden.dense`"),
        ("xor", "sigmoid_cross_entropy", "`train.loss.binary_cross_entropy`"),
        ("worked_example", "sigmoid", "`hidden.sigmoid`"),
        ("iris", "log_softmax", "`train.loss.cross_entropy`"),
        ("autoencoder", "conv", "`short.conv`"),
        ("autoencoder", "relu", "`short.relu`"),
        ("vae", "exp", "`z.exp`"),
        ("digits_gru", "loop", "`rows.gru`"),
        ("deep_mended", "sqrt", "layernorm"),
    ],
)
def test_a_planted_derivative_is_found_and_named(name: str, primitive: str, place: str) -> None:
    with planted(PRIMITIVES[primitive]):
        ex, batch = model(name, 2)
        report = gradcheck(ex, batch, elements=2)
    assert not report.ok
    assert primitive in [one.primitive for one in report.blamed], report.blamed
    (found,) = [one for one in report.blamed if one.primitive == primitive]
    assert place in found.place


def test_what_lies_behind_a_wrong_derivative_is_not_accused() -> None:
    with planted(ops.tanh):
        ex, batch = model("xor", 4)
        report = gradcheck(ex, batch)
    wrong = [one.parameter for one in report.parameters if one.count("fault")]
    assert wrong == ["hidden.dense.weight", "hidden.dense.bias"]
    assert [one.primitive for one in report.blamed] == ["tanh"]
    worst = report.parameters[0].worst
    assert worst.kind == "fault"
    assert worst.backprop / worst.difference == pytest.approx(1.001, rel=1e-6)


def test_one_wrong_element_among_thousands_is_found_along_the_direction() -> None:
    right = ops.matmul.vjp
    assert right is not None

    def wrong(g: Var, y: Var, a: Var, b: Var) -> Sequence[Var | None]:
        da, db = right(g, y, a, b)
        assert db is not None
        rows, columns = db.shape
        if rows * columns > 1000:
            row = ops.slice_(db, start=(0, 0), stop=(1, columns))
            rest = ops.slice_(db, start=(1, 0), stop=(rows, columns))
            db = ops.concat([1.5 * row, rest], axis=0)
        return da, db

    object.__setattr__(ops.matmul, "vjp", wrong)
    try:
        ex, batch = model("vae", 2)
        report = gradcheck(ex, batch, elements=1)
    finally:
        object.__setattr__(ops.matmul, "vjp", right)
    assert not report.ok
    assert [one.primitive for one in report.blamed] == ["matmul"]


NET = """
model {{
  input  x: [3]
  target y: [1]
  {body}
}}
train {{
  loss = mse(p, y)
  optimizer = sgd(lr = 0.1)
  epochs = 1
}}
"""


def check(body: str, rows: int = 4, x: Any = None, elements: int = 8) -> Report:
    net = gpubp.loads(NET.format(body=body))
    batch = drawn(net, rows)
    if x is not None:
        batch["x"] = np.broadcast_to(x, (rows, 3))
    return gradcheck(gpubp.Executor(net, "cpu", "float64", backend="numpy"), batch, elements=elements)


@pytest.mark.parametrize(
    "body",
    [
        "output p = x -> dense(4) -> relu -> dense(1)",
        "output p = x -> dense(4) -> leaky_relu(0.1) -> dense(4) -> leaky_relu(0.1) -> dense(1)",
        "output p = x -> dense(4) -> relu -> dense(4) -> relu -> dense(1)",
        "h = x -> dense(4)\n  output p = abs(h) -> dense(1)",
        "h = x -> dense(4)\n  output p = maximum(h, -h) -> dense(1)",
        "h = x -> dense(4)\n  output p = where(h > 0, 2 * h, 3 * h) -> dense(1)",
        "output p = x -> dense(4) -> reshape([4, 1]) -> global_maxpool -> dense(1)",
    ],
)
def test_kinks_are_kinks_and_no_faults(body: str) -> None:
    """Inputs of 0 and biases of 0 put every unit on its corner."""
    report = check(body, x=0.0)
    assert report.ok, report
    kinks, elsewhere = (sum(one.count("kink") for one in each.parameters) for each in (report, check(body)))
    assert kinks > elsewhere


def test_a_fault_does_not_hide_on_a_kink() -> None:
    with planted(ops.relu):
        report = check("output p = x -> dense(4) -> relu -> dense(1)", x=0.0)
    assert [one.parameter for one in report.parameters if one.count("fault")] == ["p.dense.bias"]


@pytest.mark.parametrize(
    "body",
    [
        "output p = x -> dense(8) -> dropout(50%) -> tanh -> dense(1)",
        "output p = x -> dense(8) -> batchnorm -> tanh -> dense(1)",
        "output p = (x -> dense(4)) * normal([4]) -> dense(1)",
        "output p = x -> dense(8) -> gaussian_noise(0.1) -> softmax -> dense(1)",
        "layer t = dense(3)\n  output p = x -> t -> tanh -> t -> dense(1)",
        "output p = x -> reshape([3, 1]) -> gru(4) -> flatten -> dense(1)",
        "output p = x -> reshape([3, 1]) -> lstm(3, bidirectional = true) -> flatten -> dense(1)",
        "output p = x -> reshape([3, 1]) -> dense(4) -> attention(2) -> layernorm -> flatten -> dense(1)",
    ],
)
def test_layers_pass_in_training_mode(body: str) -> None:
    assert check(body).ok


def test_labels_are_no_parameters() -> None:
    text = NET.format(body="output p = x -> embedding(4) -> flatten -> dense(1)").replace("x: [3]", "x: class(5)[3]")
    net = gpubp.loads(text)
    report = gradcheck(gpubp.Executor(net, "cpu", "float64"), drawn(net, 4))
    assert report.ok
    assert report.parameters[0].parameter == "p.embedding.weight"


def test_what_has_no_gradient_by_definition_is_held() -> None:
    report = check("output p = x -> dense(4) -> tanh -> reverse_gradient -> dense(1)")
    assert report.ok
    assert report.held == ("stop_gradient",)


def test_a_loss_that_is_0_everywhere() -> None:
    text = NET.format(body="output p = x -> dense(2) -> softmax").replace("y: [1]", "y: class(2)")
    net = gpubp.loads(text.replace("mse(p, y)", "cross_entropy(p, y, ignore = 1)"))
    report = gradcheck(gpubp.Executor(net, "cpu", "float64", backend="numpy"), {**drawn(net, 2), "y": [1, 1]})
    assert (report.ok, report.loss) == (True, 0.0)


def test_the_seed_draws_the_elements() -> None:
    ex, batch = model("digits", 2)
    indices = [[e.index for e in one.elements] for one in gradcheck(ex, batch, elements=4).parameters]
    assert indices == [[e.index for e in one.elements] for one in gradcheck(ex, batch, elements=4).parameters]
    other = gpubp.Executor(ex.net, "cpu", "float64", seed=1)
    assert indices != [[e.index for e in one.elements] for one in gradcheck(other, batch, elements=4).parameters]
    assert [len(each) for each in indices] == [5, 5, 5, 5], "and a direction"


def test_float32_is_refused() -> None:
    net = gpubp.loads(NET.format(body="output p = x -> dense(1)"))
    with pytest.raises(gpubp.GpubpError, match="float64"):
        gradcheck(gpubp.Executor(net, "cpu", "float32"), drawn(net, 2))


def test_a_loss_that_is_not_finite_is_told() -> None:
    with np.errstate(all="ignore"), pytest.raises(gpubp.DivergedError, match="the loss is nan"):
        check("h = x -> dense(4)\n  output p = sqrt(-1 - h^2) -> dense(1)")
