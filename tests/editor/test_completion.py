"""What an editor proposes at a place in an unfinished text, and which argument of a call the place is in."""

from __future__ import annotations

import pytest

from gpubp.editor.completion import completions
from gpubp.editor.cursor import cursor
from gpubp.editor.describe import arguments, signature
from gpubp.frontend import current_catalog

from .texts import HEAD, MODEL, at, model, train


def labels(text: str) -> list[str]:
    return [item.label for item in completions(*at(text))]


def test_sections_and_declarations_at_the_top() -> None:
    assert labels("|")[:3] == ["data", "model", "train"]
    assert labels(HEAD + MODEL + "tr|")[:2] == ["data", "train"]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (model("  |"), ["input", "target", "output", "layer"]),
        (model("  h = x -> dense(|)"), ["units", "bias", "init", "bias_init", "width", "rate"]),
        (model("  h = x -> dense(8, |)"), ["bias", "init", "bias_init"]),
        (model("  h = dense(x, |)"), ["units", "bias", "init", "bias_init", "width", "rate"]),
        (model("  h = x -> dense(8, bias = |)"), ["true", "false"]),
        (model("  h = x -> conv(8, 3, pad = |)"), ["same", "valid"]),
        (train("  |"), ["loss", "optimizer", "epochs", "steps", "batch"]),
        (train("  loss = mse(p, y)\n  optim|\n  epochs = 3"), ["optimizer", "steps", "batch"]),
        (train("  optimizer = |"), ["sgd"]),
        (train("  optimizer = adam(|)"), ["lr"]),
        (train("  schedule = warmup(200steps, |)"), ["then"]),
        (train("  shuffle = |"), ["true", "false"]),
        (train("  precision = f|"), ["float32", "float64", "tf32"]),
        (train("  loss = mse(|"), ["x", "y", "hidden", "bent", "p", "width"]),
        (HEAD + MODEL + "data {\n  |\n}", ["x", "y", "split"]),
        (HEAD + MODEL + "data {\n  x = [[0, 0]]\n  |\n}", ["y", "split"]),
        (HEAD + MODEL + 'data {\n  x = csv("a.csv", |)\n}', ["target", "columns"]),
        (
            "block deep(n, slope = 0.1) on x {\n  return x -> dense(n)\n}\n" + model("  h = x -> deep(|)"),
            ["n", "slope"],
        ),
    ],
)
def test_what_is_proposed_first(text: str, first: list[str]) -> None:
    assert labels(text)[: len(first)] == first


@pytest.mark.parametrize(
    ("text", "there", "absent"),
    [
        (model("  h = x -> |"), ["dense", "relu", "twice"], ["mse", "adam", "x"]),
        (model("  h = x\n    -> dense(8) -> re|"), ["relu"], ["adam"]),
        (model("  h = x -> repeat 3 { |"), ["dense", "relu"], ["x"]),
        (model("  h = x + |"), ["x", "width", "relu"], ["mse"]),
        (model("  h = x -> dense(8, init = |)"), ["he_normal", "zeros"], ["relu", "units"]),
        (train("  optimizer = |"), ["adam", "rprop"], ["cosine", "relu"]),
        (train("  schedule = |"), ["cosine", "warmup"], ["adam"]),
        (train("  loss = |"), ["mse", "l2", "bent"], ["adam"]),
        (train("  loss = mse(|"), ["p", "y"], ["adam"]),
        (train("  freeze = [|]"), ["hidden", "p"], ["adam", "width"]),
        (train("  early_stop = early_stop(|)"), ["patience", "valid.loss"], ["relu"]),
        (HEAD + MODEL + "data {\n  x = |\n}", ["csv", "npz"], ["split", "relu"]),
        (HEAD + MODEL + "data {\n  split = |\n}", ["split"], ["csv"]),
    ],
)
def test_what_is_proposed_at_all(text: str, there: list[str], absent: list[str]) -> None:
    found = set(labels(text))
    assert set(there) <= found
    assert not found & set(absent)


@pytest.mark.parametrize(
    "line", ["  input |", "  h = x -> dense(8) # dense(|", "  h = x -> dense(8) as |", "  h = dense |"]
)
def test_nothing_is_proposed_where_a_name_is_made_up_or_nothing_can_follow(line: str) -> None:
    assert labels(model(line)) == []


def test_which_argument_a_place_is_in() -> None:
    def call(text: str) -> tuple[str, int, str]:
        document, offset = at(text)
        found = cursor(document.source, offset, current_catalog()).call
        assert found is not None
        return found.name, found.index, found.argument

    assert call(model("  h = x -> conv(8, |)")) == ("conv", 2, "")
    assert call(model("  h = conv(x, 8, |)")) == ("conv", 2, "")
    assert call(model("  h = conv(x, 8, pad = |)")) == ("conv", 2, "pad")
    assert call(train("  schedule = warmup(200steps, cosine(to = |))")) == ("cosine", 0, "to")
    assert call(train("  schedule = warmup(cosine(to = 1%), |)")) == ("warmup", 1, "")


def test_where_arguments_stand_in_a_signature() -> None:
    for entries in current_catalog().entries.values():
        for entry in entries.values():
            names, spans = arguments(entry)
            written = [signature(entry)[start:end] for start, end in spans]
            assert [text.partition(" = ")[0] for text in written] == names
            assert {option.name for option in entry.options} <= set(names)
