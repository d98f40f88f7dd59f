"""What an editor is answered about a place in a text: `|` in the texts below."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpubp.editor.completion import completions
from gpubp.editor.cursor import cursor
from gpubp.editor.describe import arguments, signature
from gpubp.editor.document import Document
from gpubp.editor.fixes import fixes
from gpubp.editor.hover import hover
from gpubp.editor.symbols import definition, hints, outline
from gpubp.frontend import current_catalog

ROOT = Path(__file__).resolve().parents[2]
ERRORS = sorted((ROOT / "tests" / "golden" / "errors").glob("*.net"))
MODELS = sorted((ROOT / "models").glob("*.net"))

HEAD = "param width = 8\nlet rate = 0.1\nfn twice(v) = 2 * v\n"
MODEL = """\
block deep(n, slope = 0.1) on x {
  h = x -> dense(n) -> leaky_relu(slope)
  return h -> dense(n)
}

model {
  input  x: [2]
  target y: [1]
  hidden = x -> deep(width) -> tanh as bent
  output p = hidden -> dense(1) -> sigmoid
}
"""


def at(text: str) -> tuple[Document, int]:
    """A text with `|` at a place, and the place."""
    offset = text.index("|")
    return Document(ROOT / "models" / "x.net", text.replace("|", "", 1)), offset


def labels(text: str) -> list[str]:
    return [item.label for item in completions(*at(text))]


def model(line: str) -> str:
    return HEAD + "model {\n  input x: [2]\n" + line + "\n}\n"


def train(lines: str) -> str:
    return HEAD + MODEL + "train {\n" + lines + "\n}\n"


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            model("  output p = x -> de|nse(3) -> softmax"),
            ["gives `[3]`; 9 parameters", "x -> dense(units,", "`units`: a whole"],
        ),
        (model("  output p = x -> dense(un|its = 3)"), ["`units`: a whole number, at least 1"]),
        (model("  output p = x -> dense(3, init = he_nor|mal)"), ["he_normal()", "He et al."]),
        (train("  loss = m|se(p, y)\n  optimizer = sgd(lr = 0.1)"), ["mse(p, y)"]),
        (train("  loss = mse(p, y)\n  optim|izer = sgd(lr = 0.1)"), ["```gpubp\noptimizer", "gpubp words optimizers"]),
        (train("  loss = mse(p, y)\n  optimizer = sgd(l|r = 0.1)"), ["`lr`: a number"]),
        (train("  loss = mse(hid|den, y)\n  optimizer = sgd(lr = 0.1)"), ["hidden = x -> deep(width)"]),
        (HEAD + MODEL.replace("deep(width)", "de|ep(width)"), ["gives `[8]`; 96 parameters", "block deep(n,"]),
        (HEAD + MODEL.replace("x -> dense(n)", "x -> den|se(n)"), ["gives `[8]`; 24 parameters"]),
        (HEAD + MODEL.replace("hidden -> dense(1)", "hid|den -> dense(1)"), ["`hidden`: `[8]` for one example"]),
        (HEAD + MODEL.replace("deep(width)", "deep(wid|th)"), ["param width = 8"]),
    ],
)
def test_what_is_said_of_a_word(text: str, said: list[str]) -> None:
    found = hover(*at(text))
    assert found is not None
    for part in said:
        assert part in found.markdown


def test_a_block_that_is_used_twice_gives_two_shapes() -> None:
    text = "block deep(n) on x {\n  return x -> den|se(n)\n}\n" + model("  output p = x -> deep(4) -> deep(3)")
    found = hover(*at(text))
    assert found is not None
    assert found.markdown.startswith("gives `[4]` or `[3]`; 27 parameters")


def test_signs_keywords_and_numbers_have_no_documentation() -> None:
    for text in (
        model("  output p = x |-> dense(3)"),
        model("  out|put p = x -> dense(3)"),
        model("  output p = x -> dense(|3)"),
    ):
        assert hover(*at(text)) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (HEAD + MODEL.replace("deep(width)", "de|ep(width)"), "block deep("),
        (HEAD + MODEL.replace("deep(width)", "deep(wid|th)"), "param width"),
        (HEAD + MODEL.replace("return h ->", "return |h ->"), "h = x -> dense(n)"),
        (HEAD + MODEL.replace("hidden -> dense(1)", "hid|den -> dense(1)"), "hidden = x"),
        (train("  loss = mse(be|nt, y)"), "hidden = x"),
        (HEAD + MODEL + "data {\n  x = [[1, 2]]\n  y = [[1]]\n}\n" + "train {\n  loss = mse(p|, y)\n}", "output p"),
    ],
)
def test_the_definition_of_a_name(text: str, line: str) -> None:
    document, offset = at(text)
    found = definition(document, offset)
    assert found is not None
    path, span = found
    assert path == document.path
    start = document.source.text.rfind("\n", 0, span.start) + 1
    assert document.source.text[start:].lstrip().startswith(line)


def test_the_definition_in_an_imported_file(tmp_path: Path) -> None:
    (tmp_path / "lib.net").write_text("block deep(n) on x {\n  return x -> dense(n)\n}\n")
    text = 'import "lib.net" as lib\nmodel {\n  input x: [2]\n  output p = x -> lib.deep(3)\n}\n'
    document = Document(tmp_path / "x.net", text)
    assert not document.findings
    found = definition(document, text.index("deep") + 1)
    assert found is not None
    assert found[0] == tmp_path / "lib.net"
    assert found[1].text == "deep"
    assert definition(document, text.index("lib.deep") + 1) == (
        document.path,
        found[1].__class__(document.source, 20, 23),
    )


def test_words_of_the_catalogue_have_no_definition() -> None:
    assert definition(*at(model("  output p = x -> den|se(3)"))) is None
    assert definition(*at(model("  output p = x -> dense(un|its = 3)"))) is None


def test_the_outline() -> None:
    found = outline(Document(ROOT / "x.net", train("  loss = mse(p, y)")))
    assert [(one.name, one.sort) for one in found] == [
        ("width", "param"),
        ("rate", "let"),
        ("twice", "fn"),
        ("deep", "block"),
        ("model", "section"),
        ("train", "section"),
    ]
    assert [one.name for one in found[4].inner] == ["x", "y", "hidden", "bent", "p"]
    assert [one.name for one in found[5].inner] == ["loss"]


def test_shapes_behind_the_values() -> None:
    document = Document(ROOT / "x.net", HEAD + MODEL)
    found = hints(document, 0, len(document.source.text))
    assert [hint.text for hint in found] == ["[8]; 96 parameters", "[1]; 9 parameters"]
    assert all(document.source.text[hint.offset] == "\n" for hint in found)
    assert hints(document, 0, 10) == []
    assert hints(Document(ROOT / "x.net", HEAD + MODEL + "oops"), 0, 9999) == []


@cache
def erroneous(path: Path) -> Document:
    """Under its own folder, whose data files it may name."""
    return Document(path, path.read_bytes().decode("utf-8", "replace"))


def test_fixes_mend_what_they_claim() -> None:
    """Each text that is offered was asked for by the help, and leaves fewer errors."""
    mended = 0
    for path in ERRORS:
        document = erroneous(path)
        for finding in document.findings:
            for fix in fixes(document, finding):
                text = document.source.text
                after = Document(path, text[: fix.span.start] + fix.text + text[fix.span.end :])
                assert f"`{fix.text}`" in fix.title
                assert len([f for f in after.findings if f.severity == "error"]) < len(document.findings)
                mended += 1
    assert mended >= 50


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*ERRORS, *MODELS]), st.floats(0, 1), st.floats(0, 1))
def test_no_place_of_any_text_is_an_accident(path: Path, cut: float, place: float) -> None:
    """Whatever was typed so far, each question has an answer."""
    text = path.read_bytes().decode("utf-8", "replace")
    document = Document(path, text[: round(cut * len(text))])
    offset = round(place * len(document.source.text))
    completions(document, offset)
    hover(document, offset)
    definition(document, offset)
    outline(document)
    hints(document, 0, len(text))
    assert document.findings is not None
