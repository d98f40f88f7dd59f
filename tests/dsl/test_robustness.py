"""Limits, work, and text of any kind: nothing but findings comes out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl import syntax
from dsl.diagnostics import Diagnostic
from dsl.parse import parse, parse_expression
from dsl.source import Source
from tests.work import calls

from .texts import findings

# Limits and work -----------------------------------------------------------------------------------------------------

MAX_CALLS = 60
"""Calls that a character of a file may cost; sound files cost about 30."""


def quickly(text: str, most: int | None = None) -> list[Diagnostic]:
    """The findings in a text, for which there are no more than so many calls."""
    parse(Source("warm.net", "let a = 1"))
    found: list[Diagnostic] = []
    made = calls(lambda: found.extend(findings(text)))
    assert made <= (MAX_CALLS * len(text) + 2_000 if most is None else most)
    return found


@pytest.mark.parametrize("text", ["let a = 1\n" * 11_000, "#" * 102_401, "\u00e4" * 60_000])
def test_a_long_file(text: str) -> None:
    assert [d.code for d in quickly(text, 100)] == ["E0102"]


@pytest.mark.parametrize(
    "text",
    [
        "let a = " + "(" * 65,
        "let a = " + "[" * 12_500,
        "let a = " + "-" * 22_500 + "1",
        "let a = 1" + " + 1" * 6_250,
        "let a = 2" + "^2" * 12_500,
        "let a = " + "if a then b else " * 1_500 + "c",
        "model { a = x -> " + "repeat 2 {" * 2_250,
    ],
)
def test_deep_nesting(text: str) -> None:
    assert [d.code for d in quickly(text)] == ["E0103"]


def test_nesting_up_to_the_limit() -> None:
    assert not findings("let a = " + "(" * 64 + "1" + ")" * 64)
    assert not findings("let a = " + "[" * 64 + "1" + "]" * 64)
    assert not findings("let a = 1" + " + 1" * 90)


@pytest.mark.parametrize(
    "text",
    [
        '"' * 25_600,
        '"\\' * 12_800,
        "'" * 25_600,
        "\x00" * 25_600,
        "1_" * 12_800,
        "1" * 25_600,
        "a." * 12_800,
        "a " * 12_800,
        "\r" * 25_600,
        ")" * 25_600,
        "{" * 60 + "}" * 25_000,
        "a=" * 12_800,
        "a\n" * 12_800,
        "model {" * 60,
        "model {\n" + "a = b c\n" * 3_000,
        "%" * 25_600,
        "." * 25_600,
        "->" * 12_800,
        "modl {}\n" * 3_000,
        "if " * 100,
        "\ufeff" * 7_500,
        "model { a = (" + "b\n" * 12_500,
        "let a = x -> f" + " + b -> f" * 90,
        "let a = (" + "x, " * 7_500 + ")",
        "model {\n" + "h = f(\n" * 63,
        "let a = [" + "1 " * 12_500 + "]",
    ],
)
def test_hostile_files_are_quick(text: str) -> None:
    assert quickly(text)


def test_work_is_linear() -> None:
    """A file four times as long makes four times as many calls."""
    statement = "  h = x -> conv(32, 3, pad = same) -> relu -> f(a + b * c, [1, 2, 3])\n"

    def work(count: int) -> int:
        source = Source("t.net", "model {\n" + statement * count + "}\n")
        assert not parse(source)[1]
        return calls(lambda: parse(source))

    assert work(300) < 4.1 * work(75)


# Nothing raises ------------------------------------------------------------------------------------------------------

_PIECES = [
    "->",
    "=",
    "==",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ",",
    ":",
    "?",
    "..",
    ".",
    "-",
    " - ",
    "+",
    "*",
    "^",
    "<",
    "\n",
    " ",
    "if ",
    " then ",
    " else ",
    " repeat 2 ",
    " for i in ",
    " as ",
    "as x",
    " in ",
    "return ",
    "input ",
    "layer ",
    "model ",
    "data {",
    "train",
    "fn f(",
    "block b() on ",
    "let ",
    "param ",
    "import ",
    "12x",
    "25%",
    '"',
    "'",
    "#",
    "\x00",
    "\u00e9",
    "\ufeff",
    "\u2028",
    "\ud800",
    "\t",
    "\r",
    "true",
    "pi",
    "and",
    "1e999",
    "9" * 25,
]


def check_findings(text: str) -> None:
    answers: list[tuple[syntax.File, list[Diagnostic]]] = []

    def work() -> int:
        return calls(lambda: answers.append(parse(Source("m.net", text))))

    # A short text may be a mistake at each of its characters. What is made once in a process, as tables of the grammar,
    # is there the second time.
    most = 5_000 + 100 * len(text)
    assert work() <= most or work() <= most
    file, found = answers[-1]
    assert isinstance(file, syntax.File)
    for finding in found:
        assert finding.code.startswith("E01")
        assert finding.message
        assert finding.message == finding.message.strip(". ")
        for span in [finding.span, *(label.span for label in finding.labels)]:
            assert span is None or 0 <= span.start <= span.end <= len(text)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda data: data.decode("latin-1"))))
def test_any_text(text: str) -> None:
    check_findings(text)
    parse_expression(Source("<set>", text))


@pytest.mark.parametrize(
    "text",
    [
        'model {\n  h = .."\r"\n}\n',
        'model {\n  h = f(a".a/ba/b,"x"\r"x"(=""x""x"\n}\n',
        'model {\n  h = f(("x"(a)"x"\\"[ )[a=."x"[\raa\n}\n',
    ],
)
def test_quotes_are_read_again_once(text: str) -> None:
    """Behind the quote that is the mistake, not behind each one that follows."""
    check_findings(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*_PIECES, "x", "f(x)", "x = ", "\n  y = ", "3"]), max_size=25).map("".join))
def test_any_tokens(text: str) -> None:
    check_findings(text)
    check_findings("model {\n  h = " + text + "\n}\n")
    parse_expression(Source("<set>", text))
