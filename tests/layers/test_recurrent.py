"""Recurrent layers: their formulas written out, first values, names, both directions, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpubp

Array = np.ndarray[Any, Any]
STEPS, WIDTH, UNITS = 5, 3, 4


def text(layer: str, kind: str = f"[{STEPS}, {WIDTH}]") -> str:
    model = f"input x: {kind}\n target y: [1]\n output h = x -> {layer}\n output p = h -> flatten -> dense(1)"
    return f"model {{\n {model}\n}}\ntrain {{\n loss = mse(p, y)\n optimizer = sgd(lr = 0.1)\n epochs = 1\n}}"


def executor(layer: str, seed: int = 0) -> gpubp.Executor:
    return gpubp.Executor(gpubp.loads(text(layer)), device="cpu", precision="float64", seed=seed)


def sigmoid(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


def by_hand(kind: str, x: Array, w: dict[str, Array], reverse: bool = False) -> Array:
    """All states [batch, steps, units], in plain steps over the formulas of the docstrings."""
    rows, h, c = len(x), np.zeros((len(x), UNITS)), np.zeros((len(x), UNITS))
    W, R, b = w["weight"], w["recurrent_weight"], w["bias"]
    out = np.zeros((rows, x.shape[1], UNITS))
    for t in reversed(range(x.shape[1])) if reverse else range(x.shape[1]):
        z = x[:, t] @ W + b
        if kind == "rnn":
            h = np.tanh(z + h @ R)
        elif kind == "lstm":
            i, f, o, g = np.split(z + h @ R, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            Rr, Ru, Rn = np.split(R, 3, axis=1)
            zr, zu, zn = np.split(z, 3, axis=1)
            r, u = sigmoid(zr + h @ Rr), sigmoid(zu + h @ Ru)
            d = w.get("recurrent_bias")
            n = np.tanh(zn + ((r * h) @ Rn if d is None else r * (h @ Rn + d)))
            h = u * h + (1 - u) * n
        out[:, t] = h
    return out


@pytest.mark.parametrize(("layer", "kind"), [("rnn", "rnn"), ("lstm", "lstm"), ("gru", "gru"), ("gru, old", "gru")])
@pytest.mark.parametrize("both", [False, True])
def test_the_formulas(layer: str, kind: str, both: bool) -> None:
    options = f"{UNITS}{', reset_after = false' if 'old' in layer else ''}{', bidirectional = true' if both else ''}"
    whole, last = executor(f"{kind}({options})"), executor(f"{kind}({options}, sequence = false)")
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6, STEPS, WIDTH))
    values = {n: rng.normal(size=v.shape) for n, v in whole.parameters.items() if ".dense." not in n}
    for ex in (whole, last):
        ex.set_parameters(values)
    weights = {n.removeprefix(f"h.{kind}."): v for n, v in values.items()}
    wanted = by_hand(kind, x, weights)
    ends = wanted[:, -1]
    if both:
        back = by_hand(kind, x, {n.removeprefix("reverse_"): v for n, v in weights.items() if "reverse_" in n}, True)
        wanted, ends = np.concatenate([wanted, back], axis=2), np.concatenate([ends, back[:, 0]], axis=1)
    np.testing.assert_allclose(whole.predict({"x": x})["h"], wanted, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(last.predict({"x": x})["h"], ends, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layer", ["rnn(4{})", "lstm(4{})", "gru(4{})", "gru(4, reset_after = false{})"])
def test_a_masked_row_is_the_shorter_row_alone(layer: str) -> None:
    """Both directions, their states and gradients: of a row of n steps what a net of n steps makes of it."""
    lengths, rng = (5, 1, 3), np.random.default_rng(2)
    seen = (np.arange(STEPS) < np.array(lengths)[:, None]).astype(float)
    x = np.where(seen[..., None], rng.normal(size=(3, STEPS, WIDTH)), 1e3)

    def made(steps: int, mask: str) -> gpubp.Executor:
        both = f"bidirectional = true{mask}"
        states, ends = layer.format(f", {both}"), layer.format(f", sequence = false, {both}")
        outputs = f"layer read = dense(3)\n z = x -> read\n output h = z -> {states}\n output e = z -> {ends}"
        feeds = f"input x: [{steps}, {WIDTH}]\n{' input mask: [5]' * bool(mask)}\n"
        net = f"model {{\n {feeds} {outputs}\n}}\ntrain {{\n loss = sum(h^2) + sum(e^3)\n optimizer = sgd(1)\n}}"
        return gpubp.Executor(gpubp.loads(net), "cpu", "float64")

    whole = made(STEPS, ", mask = mask")
    found = whole.predict({"x": x, "mask": seen})
    _, gradients = whole.gradients({"x": x, "mask": seen})
    sums = {name: np.zeros_like(value) for name, value in gradients.items()}
    for k, steps in enumerate(lengths):
        alone = made(steps, "")
        alone.set_parameters(whole.parameters)
        row = {"x": x[k : k + 1, :steps]}
        wanted = alone.predict(row)
        padded = np.pad(wanted["h"], ((0, 0), (0, STEPS - steps), (0, 0)))
        np.testing.assert_allclose(found["h"][k : k + 1], padded, rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(found["e"][k : k + 1], wanted["e"], rtol=1e-13, atol=1e-14)
        for name, value in alone.gradients(row)[1].items():
            sums[name] += value / 3
    for name, value in sums.items():
        np.testing.assert_allclose(gradients[name], value, rtol=1e-10, atol=1e-12, err_msg=name)


def test_a_mask_leaves_out_steps_anywhere() -> None:
    """What is left is a shorter sequence; without any step it is the zeros of the start."""
    seen = np.array([[0, 1, 1, 0, 1], [0, 0, 0, 0, 0]])
    ex = executor(f"lstm({UNITS}, mask = mean(x, axis = 1) > 0)")
    x = np.random.default_rng(3).normal(size=(2, STEPS, WIDTH))
    x += (np.where(seen, 1.0, -1.0) - x.mean(axis=2))[..., None]
    weights = {n.removeprefix("h.lstm."): v for n, v in ex.parameters.items()}
    found = ex.predict({"x": x})["h"]
    np.testing.assert_allclose(found[0, seen[0] > 0], by_hand("lstm", x[:1, [1, 2, 4]], weights)[0], rtol=1e-13)
    assert not found[seen == 0].any()


@pytest.mark.parametrize("mask", ["1", "mean(x)", "slice(mean(x, axis = 1), 0, 4)", "x"])
def test_a_mask_has_a_number_for_each_step(mask: str) -> None:
    with pytest.raises(gpubp.NetError, match=r"`mask` of shape \[.*\] does not fit 5 steps"):
        executor(f"gru(4, mask = {mask})")


def test_names_and_their_order() -> None:
    """Weights before biases; the other direction's behind, with a prefix."""
    names = [n for n in executor("gru(4, bidirectional = true)").parameters if ".dense." not in n]
    own = ["weight", "recurrent_weight", "bias", "recurrent_bias"]
    assert names == [f"h.gru.{prefix}{name}" for prefix in ("", "reverse_") for name in own]
    assert [n for n in executor("lstm(4, bias = false)").parameters if ".dense." not in n] == [
        "h.lstm.weight",
        "h.lstm.recurrent_weight",
    ]
    assert "h.gru.recurrent_bias" not in executor("gru(4, reset_after = false)").parameters


def test_first_values() -> None:
    """Glorot and orthogonal weights; biases are 0, but for a forget gate's 1."""
    p = executor("lstm(4)").parameters
    assert np.abs(p["h.lstm.weight"]).max() <= np.sqrt(6 / (WIDTH + 16))
    np.testing.assert_allclose(p["h.lstm.recurrent_weight"] @ p["h.lstm.recurrent_weight"].T, np.eye(4), atol=1e-12)
    np.testing.assert_array_equal(p["h.lstm.bias"], [0] * 4 + [1] * 4 + [0] * 8)
    np.testing.assert_array_equal(executor("lstm(4, forget_bias = -0.5)").parameters["h.lstm.bias"][4:8], [-0.5] * 4)
    p = executor("rnn(4)").parameters
    np.testing.assert_allclose(p["h.rnn.recurrent_weight"] @ p["h.rnn.recurrent_weight"].T, np.eye(4), atol=1e-12)
    assert not p["h.rnn.bias"].any()
    chosen = executor("gru(4, init = constant(0.5), recurrent_init = zeros, bias_init = ones)").parameters
    assert [float(chosen[f"h.gru.{n}"].mean()) for n in ("weight", "recurrent_weight", "bias", "recurrent_bias")] == [
        0.5,
        0.0,
        1.0,
        1.0,
    ]


def test_a_step_sees_no_later_step() -> None:
    ex = executor("lstm(4) -> gru(4) -> rnn(4)")
    x = np.random.default_rng(0).normal(size=(2, STEPS, WIDTH))
    changed = x.copy()
    changed[:, 3] += 1.0
    before, after = ex.predict({"x": x})["h"], ex.predict({"x": changed})["h"]
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert (before[:, 3:] != after[:, 3:]).any(axis=(0, 2)).all()


def test_one_step_and_a_shared_layer() -> None:
    ex = gpubp.Executor(
        gpubp.loads(
            """model {
              input a: [1, 3]
              input b: [4, 3]
              target y: [2]
              layer read = gru(2, sequence = false)
              output p = (a -> read) - (b -> read)
            }
            train { loss = mse(p, y)
                    optimizer = sgd(lr = 0.1)
                    epochs = 1 }"""
        ),
        device="cpu",
    )
    rng = np.random.default_rng(0)
    a = rng.normal(size=(3, 1, 3))
    assert len(ex.parameters) == 4
    batch = {"a": a, "b": np.concatenate([np.zeros((3, 3, 3)), a], axis=1), "y": np.ones((3, 2))}
    first = ex.train_step(batch)
    assert [ex.train_step(batch) for _ in range(20)][-1] < first


def test_the_gradient_passes_many_steps() -> None:
    """The label is the sign of the first of 20 steps, the rest is noise: it can be learnt only through all of them."""
    net = gpubp.loads(
        """model {
          input x: [20, 1]
          target y: [1]
          output p = x -> lstm(8, sequence = false, forget_bias = 3) -> dense(1) -> sigmoid
        }
        train { loss = binary_cross_entropy(p, y)
                optimizer = adam(lr = 0.03)
                epochs = 1 }"""
    )
    ex = gpubp.Executor(net, device="cpu")
    rows = np.random.default_rng(0).normal(size=(1000, 20, 1)) * np.where(np.arange(20) > 0, 0.3, 1.0)[:, None]
    label = (rows[:, 0] > 0).astype(float)
    ex.train_steps({"x": rows[:500], "y": label[:500]}, steps=300, batch=64)
    assert ((ex.predict(rows[500:]) > 0.5) == label[500:]).mean() > 0.8


@pytest.mark.parametrize("layer", ["rnn(4)", "lstm(4)", "gru(4)"])
@pytest.mark.parametrize(("kind", "steps"), [("[6]", "[6, 1]"), ("[2, 3, 4]", "[2, 12]"), ("[]", "[1, 1]")])
def test_other_shapes_are_refused(layer: str, kind: str, steps: str) -> None:
    with pytest.raises(gpubp.NetError, match="takes values of shape \\[steps, features\\], got") as error:
        gpubp.loads(text(layer, kind))
    assert f"`reshape({steps})`" in str(error.value.diagnostics[0].help)
    gpubp.loads(text(f"reshape({steps}) -> {layer}", kind))


def test_an_unknown_activation_is_refused() -> None:
    with pytest.raises(gpubp.NetError, match="activation"):
        gpubp.loads(text("rnn(4, activation = cube)"))
