"""Parameters are live views in data-flow order; `set_parameters` takes all of its values or none."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import gpubp

from .nets import LABELS, PLAIN, contents, executor, labelled, rows

NAMES = ["hidden.dense.weight", "hidden.dense.bias", "p.dense.weight", "p.dense.bias"]


def test_names_order_and_shapes() -> None:
    ex = executor()
    assert ex.xp is np
    assert list(ex.parameters) == NAMES
    assert [value.shape for value in ex.parameters.values()] == [(3, 4), (4,), (4, 1), (1,)]
    assert {value.dtype.name for value in ex.parameters.values()} == {"float32"}
    assert {v.dtype.name for v in executor(precision="float64").parameters.values()} == {"float64"}


def test_decay_changes_no_order() -> None:
    """Weights and biases live in different buffers then."""
    ex = executor(PLAIN.replace("adam(", "adamw("))
    assert list(ex.parameters) == NAMES
    assert list(ex.gradients(rows(3))[1]) == NAMES


def test_biases_start_at_zero_and_weights_within_the_bound_of_glorot() -> None:
    ex = executor()
    assert not ex.parameters["hidden.dense.bias"].any()
    weight = ex.parameters["hidden.dense.weight"]
    assert 0 < abs(weight).max() <= np.sqrt(6 / 7)


def test_writing_to_a_view_changes_the_net() -> None:
    ex = executor()
    ex.parameters["p.dense.weight"][...] = 0
    ex.parameters["p.dense.bias"][0] = 2.5
    np.testing.assert_array_equal(ex.predict(np.ones((2, 3))), [[2.5], [2.5]])


def test_a_view_taken_before_sees_what_training_does() -> None:
    ex = executor()
    view = ex.parameters["p.dense.weight"]
    before = view.copy()
    ex.train_step(rows(5))
    assert (view != before).all()
    ex.load_state_dict(executor().state_dict())
    np.testing.assert_array_equal(view, before)
    ex.set_parameters({"p.dense.weight": before + 1})
    np.testing.assert_array_equal(view, before + 1)


def test_to_assign_to_a_name_sets_the_weights() -> None:
    ex = executor()
    views = ex.parameters
    bias = views["p.dense.bias"]
    views["p.dense.bias"] = [2.5]
    ex.parameters["p.dense.weight"] = np.zeros((4, 1))
    np.testing.assert_array_equal(ex.predict(np.ones((2, 3))), [[2.5], [2.5]])
    assert (bias[0], views["p.dense.bias"] is bias) == (2.5, True)
    views["p.dense.bias"] *= 2
    views.update({"hidden.dense.bias": [1, 2, 3, 4]})
    ex.parameters |= {"p.dense.weight": [[1], [0], [0], [0]]}
    assert bias[0] == 5
    assert ex.state_dict()["hidden.dense.bias"].tolist() == [1, 2, 3, 4]
    assert ex.state_dict()["p.dense.weight"].tolist() == [[1], [0], [0], [0]]


def test_to_assign_leaves_the_optimizer_as_it_is() -> None:
    ex = executor()
    ex.train_steps(rows(8), steps=3, batch=4)
    before = ex.state_dict()
    ex.parameters["p.dense.bias"] = [7.0]
    after = ex.state_dict()
    changed = {name for name, value in after.items() if not np.array_equal(value, before[name])}
    assert changed == {"p.dense.bias"}
    assert any(name.startswith("optimizer.") for name in after)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"p.dense.bias": [1.0], "nowhere": [1.0]}, "there is no parameter `nowhere`"),
        ({"p.dense.bias": [1.0], "p.dense.weight": np.zeros((1, 4))}, r"`p.dense.weight` has shape \(4, 1\)"),
        ({"p.dense.bias": [np.nan]}, "`p.dense.bias` holds a value that is no finite float32 number"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(values: dict[str, Any], message: str) -> None:
    ex = executor()
    before, views = contents(ex), ex.parameters
    with pytest.raises(gpubp.InputError, match=message):
        ex.parameters |= values
    name = next(reversed(values))
    with pytest.raises(gpubp.InputError, match=message):
        views[name] = values[name]
    assert contents(ex) == before
    assert list(views) == NAMES


def test_no_parameter_comes_or_goes() -> None:
    ex = executor()
    views = ex.parameters
    for change in (
        lambda: views.pop(NAMES[0]),
        lambda: views.popitem(),
        lambda: views.clear(),
        lambda: views.setdefault("nowhere", 1),
        lambda: views.__delitem__(NAMES[0]),
    ):
        with pytest.raises(gpubp.InputError, match="none can be added or taken out"):
            change()
    assert list(views) == NAMES
    for others in ({}, executor().parameters):
        with pytest.raises(gpubp.InputError, match="parameters are assigned to by name"):
            ex.parameters = others  # type: ignore[assignment]


def test_copies_of_the_dictionary_are_dictionaries_of_their_own() -> None:
    ex = executor()
    before = contents(ex)
    for made in (copy.copy(ex.parameters), ex.parameters | {}, ex.parameters.copy()):
        assert type(made) is dict
        assert made["p.dense.bias"] is not None
        made["p.dense.bias"] = None
    for made in (copy.deepcopy(ex.parameters), pickle.loads(pickle.dumps(ex.parameters))):
        made["p.dense.bias"][...] = 7
    assert contents(ex) == before


def test_what_cannot_be_set_so_says_so() -> None:
    """What is only a copy, or decides how programs are made, does not take a value without effect."""
    ex = executor()
    with pytest.raises(TypeError):
        ex.counters["step"] = 3  # type: ignore[index]
    with pytest.raises(TypeError):
        ex.arrays()["step"] = 3  # type: ignore[index]
    with pytest.raises(TypeError):
        ex.net.params["n"] = 3  # type: ignore[index]
    for name in ("seed", "precision", "step", "xp", "lr"):
        with pytest.raises(AttributeError):
            setattr(ex, name, 3)
    with pytest.raises(gpubp.InputError, match="`seed` cannot be negative, and this is -1"):
        ex.set_counters({"step": 2, "seed": -1})
    with pytest.raises(gpubp.InputError, match="there is no counter `stpe`; there are step, seed, "):
        ex.set_counters({"step": 3, "stpe": 4})
    assert ex.step == 0


def test_a_seed_that_is_set_later_orders_the_rows_too() -> None:
    one, other = executor(seed=1), executor(seed=2)
    other.set_parameters(one.parameters)
    other.set_counters({"seed": 1})
    assert other.seed == 1
    for ex in (one, other):
        ex.train_steps(rows(10), steps=7, batch=4)
    assert contents(one) == contents(other)


@pytest.mark.parametrize(
    "make",
    [
        lambda a: a,
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=0)[::2],
        lambda a: a[::-1].copy()[::-1],
        lambda a: a.tolist(),
        lambda a: a.astype(">f4"),
        lambda a: a.astype(np.float16).astype(np.float64),
    ],
)
def test_values_of_any_layout(make: Any) -> None:
    ex = executor()
    values = np.arange(12, dtype=np.float64).reshape(3, 4) / 8
    ex.set_parameters({"hidden.dense.weight": make(values)})
    np.testing.assert_array_equal(ex.parameters["hidden.dense.weight"], values)


def test_values_are_copied() -> None:
    ex = executor()
    values = np.ones((4, 1), dtype=np.float32)
    ex.set_parameters({"p.dense.weight": values})
    values[...] = 7
    np.testing.assert_array_equal(ex.parameters["p.dense.weight"], 1)


GOOD = np.ones((4,))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hidden.dense.bias": GOOD, "hidden.weight": GOOD}, "there is no parameter `hidden.weight`"),
        ({"hidden.dense.bias": GOOD, "p.dense.weight": np.ones((1, 4))}, r"`p.dense.weight` has shape \(4, 1\)"),
        ({"hidden.dense.bias": GOOD, "p.dense.weight": np.ones(4)}, r"`p.dense.weight` has shape \(4, 1\)"),
        ({"hidden.dense.bias": GOOD, "p.dense.bias": 1.0}, r"`p.dense.bias` has shape \(1,\)"),
        ({"hidden.dense.bias": GOOD, "p.dense.bias": ["one"]}, "`p.dense.bias`"),
        ({"hidden.dense.bias": GOOD, "p.dense.bias": [1j]}, "`p.dense.bias`"),
        (
            {"p.dense.bias": [1.0], "hidden.dense.bias": [1, np.inf, 1, 1]},
            "`hidden.dense.bias` holds a value that is no",
        ),
        ({"hidden.dense.bias": GOOD, "p.dense.weight": [[1], [2], [3], [4, 5]]}, "`p.dense.weight`"),
    ],
)
def test_a_wrong_value_changes_nothing(values: dict[str, Any], message: str) -> None:
    ex = executor()
    before = contents(ex)
    with pytest.raises(gpubp.InputError, match=message):
        ex.set_parameters(values)
    assert contents(ex) == before


def test_what_is_no_state_changes_nothing() -> None:
    ex = executor()
    before, state = contents(ex), ex.state_dict()
    with pytest.raises(gpubp.InputError, match="not by list"):
        ex.set_parameters([GOOD])  # type: ignore[arg-type]
    with pytest.raises(gpubp.CheckpointError, match="a state is a mapping from names to arrays, not list"):
        ex.load_state_dict([GOOD])  # type: ignore[arg-type]
    with pytest.raises(gpubp.CheckpointError, match="the state's `step` is -1; it cannot be negative"):
        ex.load_state_dict({**state, "step": np.full_like(state["step"], -1)})
    assert contents(ex) == before


def test_a_state_is_read_again_without_tracing_the_net_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training saves after each epoch that is the best so far."""
    ex = executor()
    first = ex.state_dict()
    monkeypatch.setattr("gpubp.frontend.program_cache.build", None)
    assert ex.state_dict().keys() == first.keys()
    ex.load_state_dict(first)


def test_one_seed_means_the_same_bytes_another_one_others() -> None:
    a, b, c = executor(seed=1), executor(seed=1), executor(seed=2)
    assert contents(a) == contents(b)
    assert (a.parameters["hidden.dense.weight"] != c.parameters["hidden.dense.weight"]).all()
    for ex in (a, b, c):
        ex.train_steps(rows(10), steps=7, batch=4)
    assert contents(a) == contents(b)
    assert contents(a) != contents(c)


def test_the_seed_and_precision_of_the_file_and_of_the_call() -> None:
    text = PLAIN.replace("epochs = 1", "epochs = 1\n  seed = 5\n  precision = float64")
    file = executor(text, seed=None)
    assert (file.seed, file.dtype) == (5, "float64")
    call = executor(text, precision="float32", seed=6)
    assert (call.seed, call.dtype) == (6, "float32")
    np.testing.assert_array_equal(executor(text, seed=5).parameters[NAMES[0]], file.parameters[NAMES[0]])


@pytest.mark.parametrize("seed", [1 << 63, 1 << 70])
def test_a_seed_out_of_range(seed: int) -> None:
    with pytest.raises(gpubp.GpubpError, match=f"the seed is {seed}"):
        executor(seed=seed)
    assert executor(seed=(1 << 63) - 1).seed == (1 << 63) - 1


@pytest.mark.parametrize("seed", [-1, 1.5, "1"])
def test_a_seed_that_is_no_whole_number(seed: Any) -> None:
    with pytest.raises(gpubp.InputError, match=f"the seed must be a whole number of at least 0, not {seed!r}"):
        executor(seed=seed)
    assert executor(seed=np.int64(3)).seed == 3  # type: ignore[arg-type]


def test_a_precision_that_does_not_exist() -> None:
    with pytest.raises(gpubp.GpubpError, match="there is no precision `float16`"):
        executor(precision="float16")


@pytest.mark.parametrize("device", ["tpu", "gpu:", "gpu:x", "CPU", "", "gpu:-1"])
def test_a_device_that_does_not_exist(device: str) -> None:
    with pytest.raises(gpubp.DeviceError, match=f"there is no device `{device}`"):
        gpubp.Executor(gpubp.loads(PLAIN), device=device)


def test_a_layer_more_leaves_the_other_first_weights_alone() -> None:
    more = executor(PLAIN.replace("output p = hidden", "extra = hidden -> dense(4)\n  output p = extra"))
    np.testing.assert_array_equal(more.parameters[NAMES[0]], executor().parameters[NAMES[0]])


def test_several_inputs_and_outputs() -> None:
    ex = executor(LABELS)
    out = ex.predict({name: value for name, value in labelled(6).items() if name != "label"})
    assert {name: value.shape for name, value in out.items()} == {"p": (6, 4), "top": (6,)}
    assert {name: tuple(shape) for name, shape in ex.net.outputs.items()} == {"p": (4,), "top": ()}
    np.testing.assert_allclose(out["p"].sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(out["p"].max(axis=1), out["top"])
