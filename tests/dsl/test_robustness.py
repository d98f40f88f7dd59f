"""Limits, time, and text of any kind: nothing but findings comes out."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl import syntax
from dsl.diagnostics import Diagnostic
from dsl.parse import parse, parse_expression
from dsl.source import Source

from .texts import findings

# Limits and speed ----------------------------------------------------------------------------------------------------


def quickly(text: str, seconds: float = 1.0) -> list[Diagnostic]:
    parse(Source("warm.net", "let a = 1"))
    start = time.process_time()
    found = findings(text)
    assert time.process_time() - start < seconds
    return found


@pytest.mark.parametrize("text", ["let a = 1\n" * 11_000, "#" * 102_401, "\u00e4" * 60_000])
def test_a_long_file(text: str) -> None:
    assert [d.code for d in quickly(text, 0.2)] == ["E0102"]


@pytest.mark.parametrize(
    "text",
    [
        "let a = " + "(" * 65,
        "let a = " + "[" * 50_000,
        "let a = " + "-" * 90_000 + "1",
        "let a = 1" + " + 1" * 25_000,
        "let a = 2" + "^2" * 50_000,
        "let a = " + "if a then b else " * 6_000 + "c",
        "model { a = x -> " + "repeat 2 {" * 9_000,
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
        '"' * 102_400,
        '"\\' * 51_200,
        "'" * 102_400,
        "\x00" * 102_400,
        "1_" * 51_200,
        "1" * 102_400,
        "a." * 51_200,
        "a " * 51_200,
        "\r" * 102_400,
        ")" * 102_400,
        "{" * 60 + "}" * 102_000,
        "a=" * 51_200,
        "a\n" * 51_200,
        "model {" * 60,
        "model {\n" + "a = b c\n" * 12_000,
        "%" * 102_400,
        "." * 102_400,
        "->" * 51_200,
        "modl {}\n" * 12_000,
        "if " * 100,
        "\ufeff" * 30_000,
        "model { a = (" + "b\n" * 50_000,
        "let a = x -> f" + " + b -> f" * 90,
        "let a = (" + "x, " * 30_000 + ")",
        "model {\n" + "h = f(\n" * 63,
        "let a = [" + "1 " * 50_000 + "]",
    ],
)
def test_hostile_files_are_quick(text: str) -> None:
    assert quickly(text, 3.0)


def test_time_is_linear() -> None:
    """A file four times as long takes about four times as long."""
    statement = "  h = x -> conv(32, 3, pad = same) -> relu -> f(a + b * c, [1, 2, 3])\n"

    def seconds(count: int) -> float:
        source = Source("t.net", "model {\n" + statement * count + "}\n")
        best = math.inf
        for _ in range(2):
            start = time.process_time()
            assert not parse(source)[1]
            best = min(best, time.process_time() - start)
        return best

    assert len(statement) * 1200 < 102_400
    assert seconds(1200) < 10 * seconds(300)


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
    start = time.process_time()
    file, found = parse(Source("m.net", text))
    assert time.process_time() - start < 1
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


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*_PIECES, "x", "f(x)", "x = ", "\n  y = ", "3"]), max_size=25).map("".join))
def test_any_tokens(text: str) -> None:
    check_findings(text)
    check_findings("model {\n  h = " + text + "\n}\n")
    parse_expression(Source("<set>", text))
