"""Parts of a model that are frozen, or trained at a rate of their own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import gpubp
from gpubp.registry import ENTRIES

from .worlds import MODEL, X, Y, make, rows, same, weights


# freeze --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("optimizer", ["sgd(lr = 0.1)", "adam(lr = 0.1)", "adamw(lr = 0.1, decay = 0.5)", "nadam"])
def test_what_is_frozen_stays(optimizer: str) -> None:
    ex, plain = make("freeze = [hidden]", optimizer), make("", optimizer)
    first = weights(ex)
    batch = {"x": X, "y": Y}
    loss, gradients = ex.gradients(batch)
    assert set(gradients) == {"p.dense.weight", "p.dense.bias"}
    assert loss == plain.gradients(batch)[0]
    assert ex.train_step(batch) == plain.train_step(batch)
    for name, value in weights(ex).items():
        if name.startswith("hidden"):
            assert value.tobytes() == first[name].tobytes()
        else:
            np.testing.assert_array_equal(value, plain.parameters[name])
    assert not [name for name in ex.state_dict() if name.startswith("optimizer.") and "hidden" in name]


def test_no_equation_is_left_of_a_frozen_gradient() -> None:
    frozen, plain = (make(keys, model=MODEL).compiled("train", 12).built.program for keys in ("freeze = [hidden]", ""))
    products = [sum("matmul" in line for line in repr(program).splitlines()) for program in (frozen, plain)]
    # Two forward, one for each trained weight, one for what lies before the second.
    assert products == [3, 5]


@pytest.mark.parametrize(
    ("places", "kept"),
    [
        ("hidden.dense", {"hidden.dense"}),
        ("hidden.dense_2", {"hidden.dense_2"}),
        ("hidden", {"hidden.dense", "hidden.dense_2"}),
        ("hidden.dense, p", {"hidden.dense", "p.dense"}),
    ],
)
def test_places(places: str, kept: set[str]) -> None:
    """A place is a whole name: `dense` does not mean `dense_2`."""
    model = "hidden = x -> dense(4) -> tanh -> dense(4) -> tanh\n  output p = hidden -> dense(2)"
    ex = make(f"freeze = [{places}]", model=model)
    _, gradients = ex.gradients({"x": X, "y": Y})
    assert {name.rpartition(".")[0] for name in set(ex.parameters) - set(gradients)} == kept


def test_a_shared_layer_and_a_block_are_places() -> None:
    model = "layer enc = dense(3) -> tanh\n  a = x -> enc -> enc\n  b = a -> deep\n  output p = b -> dense(2)"
    block = "block deep() on x { return x -> dense(5) -> relu -> dense(4) -> tanh }\n"
    text = f"""{block}model {{
  input  x: [3]
  target y: [2]
  {model}
}}
train {{
  loss      = mse(p, y)
  optimizer = adam
  freeze    = [enc, b.deep.dense_2]
}}
"""
    net = gpubp.loads(text)
    (frozen,) = [group for group in net.layout.groups if group.frozen]
    assert [p.name for p in frozen.parameters] == [
        *("enc.dense.weight", "enc.dense.bias"),
        *("b.deep.dense_2.weight", "b.deep.dense_2.bias"),
    ]


@pytest.fixture
def counting() -> Iterator[None]:
    @gpubp.layer("counting")
    def counting(cx, x):  # type: ignore[no-untyped-def]
        """Counts the steps that it is trained in."""
        count = cx.buffer("count", (), 0.0, "float64")
        if cx.training:
            cx.update(count, count + 1.0)
        return x

    yield
    del ENTRIES["function", "counting"]


@pytest.mark.usefixtures("counting")
def test_frozen_parts_work_as_in_evaluation() -> None:
    """Their statistics stay, they drop nothing."""
    model = """hidden = x -> dense(4) -> counting -> dropout(50%)
  other = hidden -> counting
  output p = other -> dense(2)"""
    ex = make("freeze = [hidden]", model=model)
    batch = {"x": X, "y": Y}
    evaluated = ex.loss(batch)
    assert ex.train_step(batch) == pytest.approx(evaluated, rel=1e-12)
    state = ex.state_dict()
    assert state["hidden.counting.count"] == 0
    assert state["other.counting.count"] == 1


# rates ---------------------------------------------------------------------------------------------------------------
def test_a_place_may_be_faster() -> None:
    batch = {"x": X, "y": Y}
    ex = make("rates = [rate(hidden, 10), rate(p, 0.5)]", "sgd(lr = 0.01)")
    plain = make("", "sgd(lr = 0.01)")
    first = weights(ex)
    ex.train_step(batch)
    plain.train_step(batch)
    for name, value in weights(ex).items():
        factor = 10 if name.startswith("hidden") else 0.5
        np.testing.assert_allclose(value - first[name], factor * (plain.parameters[name] - first[name]), rtol=1e-10)


@pytest.mark.parametrize(
    "optimizer", ["adam(lr = 0.05)", "adamw(lr = 0.05, decay = 0.1)", "lion", "nadam", "adadelta", "rprop"]
)
def test_one_rate_for_all_is_another_rate(optimizer: str) -> None:
    ex, plain = make("rates = [rate([hidden, p], 3)]", optimizer), make("", optimizer)
    plain.set_counters({"rate_scale": 3.0})
    for batch in rows(5, 4, 3):
        ex.train_step(batch)
        plain.train_step(batch)
    same(weights(ex), weights(plain))


def test_the_smaller_place_counts() -> None:
    net = make("rates = [rate(hidden, 10), rate(hidden.dense, 2)]").net
    assert {p.name: net.layout.places[p.name][0].rate for p in net.layout.parameters.values()} == {
        "hidden.dense.weight": 2,
        "hidden.dense.bias": 2,
        "p.dense.weight": 1,
        "p.dense.bias": 1,
    }


def test_groups_are_the_same_whatever_the_order_of_the_file() -> None:
    one = make("rates = [rate(hidden, 10), rate(p, 2)]", "adamw").net.layout
    two = make("rates = [rate(p, 2), rate(hidden, 10)]", "adamw").net.layout
    shown = [
        [(g.name, g.rate, g.decays, [p.name for p in g.parameters]) for g in layout.groups] for layout in (one, two)
    ]
    assert shown[0] == shown[1]
    assert len(shown[0]) == 4


# Single weights ------------------------------------------------------------------------------------------------------

# Mazur (2015), "A Step by Step Backpropagation Example", trains the weights and leaves the biases alone.
BIASES_STAY = """
model {
  input  i: [2]
  target t: [2]
  h = i -> dense(2, init = [[0.15, 0.25], [0.20, 0.30]], bias_init = 0.35) -> sigmoid
  output o = h -> dense(2, init = [[0.40, 0.50], [0.45, 0.55]], bias_init = 0.60) -> sigmoid
}
train {
  loss      = half_squared_error(o, t)
  optimizer = sgd(lr = 0.5)
  freeze    = [h.dense.bias, o.dense.bias]
}
"""


def test_a_worked_example_whose_biases_stay() -> None:
    ex = gpubp.Executor(gpubp.loads(BIASES_STAY), "cpu", "float64", backend="numpy")
    rows = {"i": [[0.05, 0.10]], "t": [[0.01, 0.99]]}
    assert ex.train_step(rows) == pytest.approx(0.298371109, abs=5e-10)
    found = {name: array.ravel().tolist() for name, array in ex.parameters.items()}
    assert found == {
        "h.dense.weight": pytest.approx([0.149780716, 0.24975114, 0.19956143, 0.29950229], abs=5e-9),
        "h.dense.bias": [0.35, 0.35],
        "o.dense.weight": pytest.approx([0.35891648, 0.511301270, 0.408666186, 0.561370121], abs=5e-9),
        "o.dense.bias": [0.6, 0.6],
    }
    assert ex.loss(rows) == pytest.approx(0.291027924, abs=2e-7)  # he goes on from rounded weights
    ex.train_steps(rows, steps=9_999, batch=1)
    assert ex.loss(rows) == pytest.approx(0.0000351085, abs=1e-8)


def test_one_weight_has_a_rate_of_its_own() -> None:
    text = BIASES_STAY.replace(
        "freeze    = [h.dense.bias, o.dense.bias]", "rates = [rate(h, 3), rate(h.dense.bias, 2)]"
    )
    ex = gpubp.Executor(gpubp.loads(text), "cpu", "float64")
    rows = {"i": [[0.05, 0.10]], "t": [[0.01, 0.99]]}
    _, gradients = ex.gradients(rows)
    before = {name: array.copy() for name, array in ex.parameters.items()}
    ex.train_step(rows)
    for name, factor in (("h.dense.weight", 3), ("h.dense.bias", 2), ("o.dense.weight", 1), ("o.dense.bias", 1)):
        np.testing.assert_allclose(before[name] - ex.parameters[name], factor * 0.5 * gradients[name], rtol=1e-9)


@pytest.mark.parametrize("keys", ["freeze = [h.dense.biases]", "rates = [rate(h.dense.biases, 2)]"])
def test_a_weight_that_there_is_not(keys: str) -> None:
    text = BIASES_STAY.replace("freeze    = [h.dense.bias, o.dense.bias]", keys)
    with pytest.raises(gpubp.NetError) as caught:
        gpubp.loads(text)
    (one,) = caught.value.diagnostics
    assert (one.code, one.message) == ("E0521", "`h.dense` has no weight `biases`")
    assert one.span is not None
    assert one.span.text == "h.dense.biases"


@pytest.mark.parametrize(
    "key",
    [
        "freeze = [head]",
        "freeze = head",
        "freeze = [head.bias]",
        "rates = [rate(head, 3)]",
        "rates = [rate([head.weight, p], 3)]",
        'start = load("run", only = [head])',
    ],
)
def test_a_place_that_is_named_is_a_use(key: str) -> None:
    """Of a stage that only these keys speak of by its name; where none does, it is told that nothing uses the name."""
    model = "output p = x -> dense(4) as head -> tanh -> dense(2)"
    assert make(key, model=model).net.warnings == ()
    (finding,) = make("", model=model).net.warnings
    assert (finding.code, finding.message) == ("W0201", "the value `head` is never used")
