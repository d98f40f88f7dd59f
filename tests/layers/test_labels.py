"""Labels that are moved about stay labels: cut, joined, in another shape, and what their classes are good for then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpubp

NEXT = """
model {
  input text: class(5)[6]
  said = text -> slice(0, 5)
  next = text -> slice(1, 6)
  output p = said -> embedding(4) -> gru(4) -> dense(5) -> softmax
}
train {
  loss      = cross_entropy(p, next, weights = balanced, ignore = 2)
  optimizer = adam(lr = 0.02)
  metrics   = [accuracy(p, next), perplexity(p, next)]
}
"""
APART = NEXT.replace("input text: class(5)[6]", "input said: class(5)[5]\n  target next: class(5)[5]")
APART = APART.replace("  said = text -> slice(0, 5)\n  next = text -> slice(1, 6)\n", "")
TEXT = np.random.default_rng(0).integers(0, 5, (12, 6))


@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_a_next_token_model_is_the_one_whose_rows_were_cut_before(backend: str) -> None:
    """Bit for bit: the loss with its class weights and ignored label, the training, the figures, the answers."""
    whole, apart = (gpubp.Executor(gpubp.loads(text), "cpu", backend=backend) for text in (NEXT, APART))
    rows = {"said": TEXT[:, :-1], "next": TEXT[:, 1:]}
    for ex, given in ((whole, {"text": TEXT}), (apart, rows)):
        ex.set_parameters({"p.embedding.weight": np.linspace(-1, 1, 20).reshape(5, 4)})
        ex.train_steps(given, 30, batch=5)
    for name, array in apart.parameters.items():
        np.testing.assert_array_equal(whole.parameters[name], array, err_msg=name)
    assert whole.evaluate({"text": TEXT}) == apart.evaluate(rows)
    np.testing.assert_array_equal(whole.predict({"text": TEXT})["p"], apart.predict({"said": rows["said"]})["p"])


MOVES: dict[str, Any] = {
    "slice(k, 1, 3)": lambda k, m: k[:, 1:3],
    "reshape(k, [2, 3])": lambda k, m: k.reshape(-1, 2, 3),
    "transpose(reshape(k, [2, 3]))": lambda k, m: k.reshape(-1, 2, 3).swapaxes(1, 2),
    "flatten(stack(k, m))": lambda k, m: np.concatenate([k, m], 1),
    "stack(k, m)": lambda k, m: np.stack([k, m], 1),
    "concat(k, slice(m, 2, 6))": lambda k, m: np.concatenate([k, m[:, 2:]], 1),
    "concat([for i in 1..2 { slice(k, i, i + 2) }])": lambda k, m: np.concatenate([k[:, 1:3], k[:, 2:4]], 1),
}


@pytest.mark.parametrize("words", MOVES)
@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_moves_are_those_of_numpy_and_know_their_classes(words: str, backend: str) -> None:
    text = f"model {{\n  input k: class(4)[6]\n  input m: class(4)[6]\n  v = {words}\n  output h = one_hot(v)\n"
    net = gpubp.loads(f"{text}  output e = v -> embedding(3)\n  output v_ = v\n  output m_ = m\n}}\n")
    rows = {name: np.random.default_rng(i).integers(0, 4, (3, 6)) for i, name in enumerate("km")}
    ex = gpubp.Executor(net, "cpu", backend=backend)
    found, wanted = ex.predict(rows), MOVES[words](rows["k"], rows["m"])
    np.testing.assert_array_equal(found["v_"], wanted)
    np.testing.assert_array_equal(found["h"], np.eye(4)[wanted])
    np.testing.assert_array_equal(found["e"], np.asarray(ex.parameters["e.embedding.weight"])[wanted])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("concat(k, m)", "cannot join labels of 4 classes and of 3"),
        ("stack(k, m)", "cannot stack labels of 4 classes and of 3"),
        ("concat(k, x)", "cannot join labels and numbers: labels are names"),
        ("stack(x, k)", "cannot stack labels and numbers: labels are names"),
        ("slice(k, 0, 2) + 1", "cannot add labels: they are names, not numbers"),
        ("slice(k, 0, 2) -> dense(3)", "`dense` takes numbers, but this is a class label"),
        ("cross_entropy(x, slice(k, 0, 2))", "`cross_entropy` needs one row of probabilities per label, got [6]"),
        ("slice(one, 0, 1)", "axis 0 does not exist in shape []"),
    ],
)
def test_what_labels_are_not_for(words: str, said: str) -> None:
    types = {"k": "class(4)[6]", "m": "class(3)[6]", "one": "class(3)", "x": "[6]"}
    inputs = "".join(f"  input {name}: {type_}\n  output {name}_ = {name}\n" for name, type_ in types.items())
    with pytest.raises(gpubp.NetError) as raised:
        gpubp.loads(f"model {{\n{inputs}  v = {words}\n}}\n")
    assert raised.value.diagnostics[0].message.startswith(said)


def test_messages_tell_what_became_of_labels() -> None:
    with pytest.raises(gpubp.NetError) as raised:
        gpubp.loads("model {\n  input k: class(4)[6]\n  said = slice(k, 0, 5)\n  output p = said -> relu\n}\n")
    (finding,) = raised.value.diagnostics
    assert [label.text for label in finding.labels] == ["class(4)[6] becomes class(4)[5]"]
    assert finding.help == ("`one_hot(said)` turns labels into numbers: [5, 4]",)
