"""What an editor is answered about a place in a text: documentation, definitions, uses, shapes, remedies."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.format import format_text
from dsl.source import Source, Span
from gpubp.editor.completion import completions
from gpubp.editor.document import Document
from gpubp.editor.fixes import fixes
from gpubp.editor.formatting import changes
from gpubp.editor.hover import hover
from gpubp.editor.references import references, rename
from gpubp.editor.semantic_tokens import semantic_tokens
from gpubp.editor.symbols import definition, hints, outline
from gpubp.errors import GpubpError

from .texts import ERRORS, HEAD, MODEL, MODELS, ROOT, at, model, train


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
        (
            train("  loss = mse(hid|den, y)\n  optimizer = sgd(lr = 0.1)"),
            ["hidden = x -> deep(width)"],
        ),
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
    assert found.source == document.source
    start = document.source.text.rfind("\n", 0, found.start) + 1
    assert document.source.text[start:].lstrip().startswith(line)


def test_the_definition_in_an_imported_file(tmp_path: Path) -> None:
    (tmp_path / "lib.net").write_text("block deep(n) on x {\n  return x -> dense(n)\n}\n")
    text = 'import "lib.net" as lib\nmodel {\n  input x: [2]\n  output p = x -> lib.deep(3)\n}\n'
    document = Document(tmp_path / "x.net", text)
    assert not document.findings
    found = definition(document, text.index("deep") + 1)
    assert found is not None
    assert Path(found.source.name) == (tmp_path / "lib.net").resolve()
    assert found.text == "deep"
    shown = hover(document, text.index("deep") + 1)
    assert shown is not None
    assert shown.markdown.startswith("gives `[3]`; 9 parameters\n\n```gpubp\nblock deep(n) on x {")
    assert definition(document, text.index("lib.deep") + 1) == Span(document.source, 20, 23)


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
        text = document.source.text
        for finding, fix in fixes(document, 0, len(text)):
            after = Document(path, text[: fix.span.start] + fix.text + text[fix.span.end :])
            asked = fix.title in finding.help and f"`{fix.text}`" in fix.title
            sign = (
                fix.title in (f"write `{fix.text.strip()}`", f"delete `{fix.span.text}`") and len(fix.text.strip()) < 2
            )
            assert asked or sign
            kinds = ("E01",) if finding.code.startswith("E01") else ("E",)  # errors of syntax hide others
            assert len([f for f in after.findings if f.code.startswith(kinds)]) < len(
                [f for f in document.findings if f.code.startswith(kinds)]
            )
            mended += 1
    assert mended >= 50


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("h = [1, 2 3]", "h = [1, 2, 3]"),
        ("h = [1, , 2]", "h = [1, 2]"),
        ("h = x -> dense(8", "h = x -> dense(8)"),
        ("h = x -> dense(8))", "h = x -> dense(8)"),
        ("h = x => relu", "h = x -> relu"),
        ("h = x dense(8)", "h = x -> dense(8)"),
        ("h = x -> dense(8) dense(8, bias = false) -> relu", "h = x -> dense(8) -> dense(8, bias = false) -> relu"),
        ("h = x -> dense(8) + x", "h = (x -> dense(8)) + x"),
        ("h = x -> repeat 2 dense(3) }", "h = x -> repeat 2 { dense(3) }"),
        ("h 3", "h = 3"),
        ("h = x -> dense(3.)", "h = x -> dense(3.0)"),
    ],
)
def test_a_fix_takes_the_place_of_what_is_wrong(written: str, meant: str) -> None:
    document = Document(ROOT / "x.net", model("  " + written))
    text, at = document.source.text, document.source.text.index(written)
    (fix,) = (found for _, found in fixes(document, at, at + len(written)))
    after = text[: fix.span.start] + fix.text + text[fix.span.end :]
    assert after.replace(" ", "") == model("  " + meant).replace(" ", "")


def test_semantic_tokens() -> None:
    text = """\
import "a.net" as lib  # the head
model {
  input s: class(9)[3]
  a, b = s -> lib.one(k = 2) -> relu
  h = [for i in 1..2 { f(a, k = -3%) }]  # end
}
"""
    source = Source("x.net", text)
    found = [(text[start:end], kind) for start, end, kind in semantic_tokens(source)]
    assert found[:5] == [
        *(("import", "keyword"), ('"a.net"', "string"), ("as", "keyword")),
        *(("# the head", "comment"), ("model", "keyword")),
    ]
    kinds = dict(found)
    assert [kinds.get(word) for word in ("class", "a", "b", "one", "k", "relu", "f", "3%", "for")] == [
        *("type", None, None, "function", "parameter", "function", "function", "number", "keyword"),
    ]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*ERRORS, *MODELS]), st.floats(0, 1), st.floats(0, 1))
def test_no_place_of_any_text_is_an_accident(path: Path, cut: float, place: float) -> None:
    """Whatever was typed so far, each question has an answer."""
    text = path.read_bytes().decode("utf-8", "replace")
    document = Document(path, text[: round(cut * len(text))])
    offset = round(place * len(document.source.text))
    completions(document, offset)
    list(semantic_tokens(document.source))
    hover(document, offset)
    definition(document, offset)
    outline(document)
    hints(document, 0, len(text))
    assert document.findings is not None


@pytest.mark.parametrize(
    ("text", "new", "count"),
    [
        (train("  loss = mse(be|nt, y)"), "curved", 2),
        (train("  loss = mse(p, y)\n  freeze = [hid|den.deep]"), "trunk", 3),
        (HEAD + MODEL.replace("deep(width)", "deep(n| = width)"), "units", 4),
        (HEAD + MODEL.replace("deep(width)", "de|ep(width)"), "tower", 2),
        (HEAD + MODEL.replace("hidden -> dense(1)", "hidden -> dense(wid|th)"), "size", 3),
        (
            HEAD + MODEL + "data {\n  x| = [[1, 2]]\n  y = [[1]]\n}\ntrain {\n  loss = mse(p, y)\n  epochs = 1\n}",
            "z",
            3,
        ),
        (HEAD + MODEL.replace("on x {", "on x| {"), "v", 2),
    ],
)
def test_a_new_name(text: str, new: str, count: int) -> None:
    document, offset = at(text)
    found = rename(document, offset, new)
    assert len(found) == count
    assert len({span.text for span in found}) == 1
    assert [span.start for span in found] == [span.start for span in references(document, found[-1].start)]


@pytest.mark.parametrize(
    ("text", "new", "said"),
    [
        (HEAD + MODEL.replace("hidden -> dense(1)", "hid|den -> dense(1)"), "p", "would mean something else"),
        (HEAD + MODEL.replace("hidden -> dense(1)", "hid|den -> dense(1)"), "model", "is no name"),
        (HEAD + MODEL.replace("hidden -> dense(1)", "hid|den -> dense(1)"), "a b", "is no name"),
        (HEAD + MODEL.replace("hidden -> dense(1)", "hidden -> den|se(1)"), "linear", "only names"),
        (HEAD + MODEL.replace("on x {\n  h", "on x {\n  h|"), "x", "would mean something else"),
    ],
)
def test_a_new_name_that_cannot_be(text: str, new: str, said: str) -> None:
    with pytest.raises(GpubpError, match=said):
        rename(*at(text), new)


OFTEN = ("pinn", "robust", "siamese", "worked_example")


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, id=p.stem, marks=[] if p.stem in OFTEN else [pytest.mark.sanitize]) for p in MODELS],
)
def test_every_name_of_every_model_can_be_changed(path: Path) -> None:
    """To one that is new, and the net stays the same but for it."""
    document = Document(path, path.read_text(encoding="utf-8"))
    for defined in document.definitions:
        assert defined.span in rename(document, defined.span.start, f"{defined.name}_9")


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_line_is_formatted_alone(path: Path) -> None:
    text = path.read_text("utf-8")
    source = Source(str(path), re.sub(" +=", "=", text))
    untidy = [number for number, line in enumerate(source.text.splitlines()) if re.match(r" *\w+=", line)]
    for number in untidy[::5]:
        start = sum(map(len, source.text.splitlines(keepends=True)[:number]))
        (span, new) = changes(source, start, start)[0]
        assert span.start <= start <= span.end
        edited = source.text[: span.start] + new + source.text[span.end :]
        assert format_text(Source("x", edited))[0] == format_text(source)[0]
        assert span.text.count("\n") == new.count("\n") < 12
