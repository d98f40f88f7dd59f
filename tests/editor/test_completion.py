"""What an editor proposes at a place in an unfinished text, and which argument of a call the place is in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpubp.editor import cursor as places
from gpubp.editor.completion import Item, completions
from gpubp.editor.cursor import cursor
from gpubp.editor.describe import places_of_arguments
from gpubp.editor.document import Document
from gpubp.frontend import current_catalog
from gpubp.frontend.words import written

from .texts import HEAD, MODEL, MODELS, at, model, train


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
        ("model {\n  output p = x -> relu\n\ntrain {\n  optimizer = |", ["sgd"]),
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


def test_what_an_imported_file_defines(tmp_path: Path) -> None:
    (tmp_path / "lib.net").write_text(HEAD + MODEL)
    text = 'import "lib.net" as lib\nmodel {\n  input x: [2]\n  output p = x -> lib.de\n}\n'
    document = Document(tmp_path / "x.net", text)
    for typed in ("-> lib.", "-> lib.de"):
        found = completions(document, text.index(typed) + len(typed))
        assert [item.label for item in found] == ["width", "rate", "twice", "deep"]
    called = Document(document.path, text.replace("lib.de", "lib.deep("))
    found = completions(called, called.source.text.index("deep(") + 5)
    assert [item.label for item in found][:2] == ["n", "slope"]
    called = Document(document.path, text.replace("lib.de", "lib.dense("))  # is not the `dense` of the catalogue
    assert "units" not in {item.label for item in completions(called, called.source.text.index("dense(") + 6)}
    assert "lib" in {item.label for item in completions(document, text.index("lib.de"))}  # which is typed first
    (tmp_path / "lib.net").unlink()
    assert completions(document, text.index("-> lib.") + 7) == []


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


@pytest.mark.parametrize(
    ("call", "shown", "index"),
    [
        ("x -> deep(|)", "x -> deep(n, slope = 0.1)", 1),
        ("deep(x, 8, |)", "x -> deep(n, slope = 0.1)", 2),
        ("mixed(x, |)", "mixed(a, b, n)", 1),
        ("twice(|)", "twice(v, by = 2)", 0),
        ("x -> twice(|)", "twice(v, by = 2)", 1),
        ("x -> lib.deep(8, |)", "x -> lib.deep(n, slope = 0.1)", 2),
    ],
)
def test_signatures_of_blocks_and_formulas(tmp_path: Path, call: str, shown: str, index: int) -> None:
    deep = "block deep(n, slope = 0.1) on x {\n  return x -> dense(n) -> leaky_relu(slope)\n}\n"
    (tmp_path / "lib.net").write_text(deep)
    mixed = "block mixed(n) on a, b {\n  return concat(a, b) -> dense(n)\n}\nfn twice(v, by = 2) = by * v\n"
    text = f'import "lib.net" as lib\n{deep}{mixed}model {{\n  input x: [2]\n  h = {call}\n}}\n'
    document = Document(tmp_path / "x.net", text.replace("|", ""))
    found = cursor(document.source, text.index("|"), current_catalog(), document.signatures).call
    assert found is not None
    assert found.signature is not None
    assert (written(found.signature), found.index) == (shown, index)


def test_where_arguments_stand_in_a_signature() -> None:
    for entries in current_catalog().entries.values():
        for entry in entries.values():
            names, spans = places_of_arguments(entry)
            assert [written(entry)[start:end].partition(" = ")[0] for start, end in spans] == names
            assert {option.name for option in entry.options} <= set(names)


def item(text: str, label: str) -> Item:
    return next(item for item in completions(*at(text)) if item.label == label)


@pytest.mark.parametrize(
    ("text", "label", "snippet"),
    [
        ("|", "model", "model {\n  $0\n}"),
        (model("  h = x -> |"), "conv", "conv(${1:channels}, ${2:size})"),
        (model("  h = |"), "dense", "dense(${1:x}, ${2:units})"),
        (model("  h = x -> |"), "relu", ""),
        (model("  h = x -> |"), "concat", "concat($1)"),
        (train("  optimizer = |"), "sgd", "sgd(${1:lr})"),
        (train("  optimizer = |"), "adam", ""),
        (HEAD + MODEL + "data {\n  x = |\n}", "csv", 'csv("${1:path}")'),
    ],
)
def test_snippets_hold_what_must_be_given(text: str, label: str, snippet: str) -> None:
    assert item(text, label).snippet == snippet


@pytest.mark.parametrize(
    "text", ["|", model("  |"), model("  h = x -> |"), train("  |"), train("  loss = |"), HEAD + "data {\n  |\n}"]
)
def test_without_snippets_one_line_is_written_that_can_stand(text: str) -> None:
    for found in completions(*at(text)):
        assert "\n" not in found.text
        assert "(" not in found.text


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (model("  h = x -> dense(un|its = 3)"), "units"),
        (train("  optim| = adam"), "optimizer"),
        (model("  h = x -> de|nse(3)"), "dense"),
        ("| {\n}", "data"),
    ],
)
def test_what_stands_behind_the_word_is_not_written_again(text: str, label: str) -> None:
    found = item(text, label)
    assert (found.text, found.snippet) == (label, "")


def test_names_from_an_earlier_state_of_a_long_text() -> None:
    earlier = Document(Path("x.net"), HEAD + MODEL)
    for text, there, absent in (
        (MODEL.replace("deep(width)", "deep(width) -> deep(3, slope = |"), {"hidden", "width", "bent"}, {"n"}),
        (MODEL.replace("deep(width)", "deep(|"), {"n", "slope", "hidden", "width"}, set[str]()),
        (MODEL.replace("h = x", "h = |", 1), {"n", "slope", "x"}, set[str]()),
    ):
        document, offset = at(HEAD + text)
        found = {item.label for item in completions(document, offset, earlier)}
        assert there <= found
        assert not absent & found
        assert "file" not in vars(document)  # it was not parsed


@settings(deadline=None)
@given(st.sampled_from(MODELS), st.floats(0, 1))
def test_a_place_is_the_same_without_the_statements_before_it(path: Path, part: float) -> None:
    document = Document(path, path.read_text(encoding="utf-8"))
    offset, catalog = round(part * len(document.source.text)), current_catalog()
    found = cursor(document.source, offset, catalog)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "_enough", lambda text: text)
        assert cursor(document.source, offset, catalog) == found
