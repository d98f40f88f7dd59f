"""How diagnostics are printed: two whole examples, and every awkward place in a text."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.diagnostics import Diagnostic, Label
from dsl.excerpt import COLUMNS
from dsl.render import to_json, to_text
from dsl.source import Source, Span


def at(source: Source, piece: str, nth: int = 0) -> Span:
    """The span of the nth place where a piece stands."""
    start = -1
    for _ in range(nth + 1):
        start = source.text.index(piece, start + 1)
    return Span(source, start, start + len(piece))


RESNET = Source(
    "models/resnet.net",
    "# resnet.net\nparam depth = 3\n\nblock conv_bn(ch, size = 3, stride = 1) on x {\n"
    "  return x -> conv(ch, size, strides = stride, pad = same, bias = false) -> batchnorm\n}\n"
    "block residual(ch, stride = 1) on x {\n"
    "  main = x -> conv_bn(ch, stride = stride) -> swish -> conv_bn(ch)\n"
    "  skip = x\n  return main + skip -> swish\n}\n",
)


def test_several_lines() -> None:
    skip = at(RESNET, "skip = x")
    diagnostic = Diagnostic(
        "E0301",
        "cannot add shapes [16, 16, 32] and [32, 32, 16]",
        at(RESNET, "main + skip"),
        "all three axes differ; only size 1 broadcasts",
        (
            Label(at(RESNET, "conv_bn(ch, stride = stride)"), "[32, 32, 16] becomes [16, 16, 32]"),
            Label(Span(RESNET, skip.end - 1, skip.end), "still [32, 32, 16]"),
        ),
        ("in `residual(ch = 32, stride = 2)`, expanded from models/resnet.net:18:29",),
        ("project the skip path: `skip = x -> conv_bn(ch, 1, stride)`",),
    )
    assert (
        to_text(diagnostic)
        == """\
error[E0301]: cannot add shapes [16, 16, 32] and [32, 32, 16]
  --> models/resnet.net:10:10
   |
 8 |   main = x -> conv_bn(ch, stride = stride) -> swish -> conv_bn(ch)
   |               ---------------------------- [32, 32, 16] becomes [16, 16, 32]
 9 |   skip = x
   |          - still [32, 32, 16]
10 |   return main + skip -> swish
   |          ^^^^^^^^^^^ all three axes differ; only size 1 broadcasts
note: in `residual(ch = 32, stride = 2)`, expanded from models/resnet.net:18:29
help: project the skip path: `skip = x -> conv_bn(ch, 1, stride)`"""
    )


STRIDES = Diagnostic(
    "E0204",
    "`conv` has no argument `strides`",
    at(RESNET, "strides"),
    "unknown argument",
    notes=("conv(channels, size, stride = 1, pad = valid, bias = true, init = glorot_uniform)",),
    help=("did you mean `stride`?",),
)


def test_one_line() -> None:
    assert (
        to_text(STRIDES)
        == """\
error[E0204]: `conv` has no argument `strides`
  --> models/resnet.net:5:30
   |
 5 |   return x -> conv(ch, size, strides = stride, pad = same, bias = false) -> batchnorm
   |                              ^^^^^^^ unknown argument
help: did you mean `stride`?
note: conv(channels, size, stride = 1, pad = valid, bias = true, init = glorot_uniform)"""
    )


def test_color_adds_nothing_but_escapes() -> None:
    colored = to_text(STRIDES, color=True)
    assert "\x1b[1;31merror[E0204]\x1b[0m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == to_text(STRIDES)
    warning = Diagnostic("W0301", "a relu under a sigmoid", severity="warning")
    assert to_text(warning, color=True).startswith("\x1b[1;33mwarning[W0301]\x1b[0m")


def test_json() -> None:
    made = to_json(STRIDES)
    assert json.loads(json.dumps(made)) == made
    span = at(RESNET, "strides")
    assert made == {
        "severity": "error",
        "code": "E0204",
        "message": "`conv` has no argument `strides`",
        "span": {
            "file": "models/resnet.net",
            "start": span.start,
            "end": span.end,
            "line": 5,
            "column": 30,
            "end_line": 5,
            "end_column": 37,
        },
        "label": "unknown argument",
        "labels": [],
        "notes": ["conv(channels, size, stride = 1, pad = valid, bias = true, init = glorot_uniform)"],
        "help": ["did you mean `stride`?"],
    }


def test_without_a_place() -> None:
    diagnostic = Diagnostic("E0401", "there is no file `a.csv`", help=("look in `data/`",))
    assert to_text(diagnostic) == "error[E0401]: there is no file `a.csv`\nhelp: look in `data/`"
    assert to_json(diagnostic)["span"] is None


def shown(text: str, *places: tuple[str, str], name: str = "t.net") -> list[str]:
    """The excerpt's lines; the first place is the primary one."""
    source = Source(name, text)
    (first, label), *others = places
    labels = tuple(Label(at(source, piece), words) for piece, words in others)
    lines = to_text(Diagnostic("E0101", "m", at(source, first), label, labels)).split("\n")
    return lines[3:]


def test_labels_in_one_line() -> None:
    assert shown("a + b * c\n", ("+", "here"), ("a", "one"), ("c", "three")) == [
        " 1 | a + b * c",
        "   | - ^     - three",
        "   | | |",
        "   | | here",
        "   | |",
        "   | one",
    ]


def test_labels_that_overlap() -> None:
    assert shown("f(a, b)\n", ("a", "inside"), ("f(a, b)", "the call")) == [
        " 1 | f(a, b)",
        "   | --^----",
        "   | | |",
        "   | | inside",
        "   | |",
        "   | the call",
    ]


def test_lines_between_are_left_out() -> None:
    assert shown("a\nb\nc\nd\n", ("d", "here"), ("a", "there")) == [
        " 1 | a",
        "   | - there",
        "...",
        " 4 | d",
        "   | ^ here",
    ]
    assert shown("a\n\nc\n", ("c", "here"), ("a", "there")) == [
        " 1 | a",
        "   | - there",
        " 2 |",
        " 3 | c",
        "   | ^ here",
    ]


def test_a_span_over_several_lines() -> None:
    assert shown("h = f(\n  a,\n  b,\n  c\n)\n", ("f(\n  a,\n  b,\n  c\n)", "the call")) == [
        " 1 | h = f(",
        "   |     ^^",
        "...",
        " 5 | )",
        "   | ^ the call",
    ]
    assert shown("x\n  yz\n", ("x\n  y", "")) == [" 1 | x", "   | ^", " 2 |   yz", "   |   ^"]


def test_tabs_and_wide_characters() -> None:
    assert shown("\th = x\n", ("x", "here")) == [" 1 |     h = x", "   |         ^ here"]
    assert shown('h = "\u65e5\u672c" + x\n', ("x", "here"))[1] == "   |              ^ here"
    assert shown('h = "e\u0301" + x\n', ("x", "here"))[1] == "   |           ^ here"
    assert shown('h = "\u65e5\u672c"\n', ('"\u65e5\u672c"', "here"))[1] == "   |     ^^^^^^ here"


def test_nothing_reaches_the_terminal_as_a_command() -> None:
    source = Source("a\x1b[31m.net", "h = \x1b[2J\x00\n")
    text = to_text(Diagnostic("E0104", "no \x1b here\nnor there", at(source, "\x1b"), "\x07", help=("\x9b",)))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    assert "\n" not in text.split("\n")[0]


def test_byte_order_mark_takes_no_column() -> None:
    source = Source("t.net", "\ufeffabc\nabc\n")
    assert to_text(Diagnostic("E0101", "m", at(source, "b"))).split("\n")[1:] == [
        "  --> t.net:1:2",
        "   |",
        " 1 | abc",
        "   |  ^",
    ]
    assert to_json(Diagnostic("E0101", "m", at(source, "b")))["span"]["column"] == 2
    assert to_json(Diagnostic("E0101", "m", at(source, "b", 1)))["span"]["column"] == 2


def test_carriage_returns_are_not_shown() -> None:
    assert shown("abc\r\ndef\r\n", ("def", "here")) == [" 2 | def", "   | ^^^ here"]


@pytest.mark.parametrize("text", ["", "abc", "abc\n"])
def test_the_end_of_the_text(text: str) -> None:
    source = Source("t.net", text)
    lines = to_text(Diagnostic("E0101", "m", Span(source, len(text), len(text)), "the end")).split("\n")
    assert lines[-1].endswith("^ the end")


@pytest.mark.parametrize("columns", [1, 60, COLUMNS, 250])
@pytest.mark.parametrize("place", [0, 300, 990])
def test_a_long_line_is_cut(place: int, columns: int) -> None:
    text = "".join(f"{i % 10}" for i in range(1000))
    source = Source("t.net", text)
    spans = (Span(source, place, place + 5), Span(source, 500, 501))
    finding = Diagnostic("E0101", "m", spans[0], labels=(Label(spans[1], ""),))
    lines = to_text(finding, columns=columns).split("\n")
    assert max(map(len, lines)) <= max(columns, 25)
    column = lines[4].index("^^^^^")
    assert lines[3][column : column + 5] == spans[0].text
    assert ("..." in lines[3][:10]) == (place > 100)


def test_another_file() -> None:
    one, two = Source("a.net", "x\n"), Source("b.net", "\ny\n")
    assert to_text(Diagnostic("E0201", "m", at(one, "x"), "", (Label(at(two, "y"), "there"),))).split("\n")[1:] == [
        "  --> a.net:1:1",
        "   |",
        " 1 | x",
        "   | ^",
        "  ::: b.net:2:1",
        "   |",
        " 2 | y",
        "   | - there",
    ]


def test_line_numbers_of_three_digits() -> None:
    source = Source("t.net", "\n" * 99 + "x\n")
    assert to_text(Diagnostic("E0101", "m", at(source, "x"))).split("\n")[1:] == [
        "   --> t.net:100:1",
        "    |",
        "100 | x",
        "    | ^",
    ]


@given(st.data())
def test_any_text_and_spans(data: st.DataObject) -> None:
    source = Source("t.net", data.draw(st.text(alphabet="ab \t\n\r\u65e5\u0301\ufeff\x00\ud800", max_size=60)))
    offset = st.integers(0, len(source.text))

    def span() -> Span:
        start, end = sorted((data.draw(offset), data.draw(offset)))
        return Span(source, start, end)

    labels = tuple(Label(span(), word) for word in data.draw(st.lists(st.sampled_from(["", "one", "two"]), max_size=4)))
    diagnostic = Diagnostic("E0101", "m", span(), data.draw(st.sampled_from(["", "here"])), labels)
    text = to_text(diagnostic)
    text.encode("utf-8")
    assert all(label.text in text for label in labels)
    assert "^" in text
    assert re.sub(r"\x1b\[[0-9;]*m", "", to_text(diagnostic, color=True)) == text
    to_json(diagnostic)
