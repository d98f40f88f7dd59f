"""The scanner: every decision about single tokens."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.diagnostics import Diagnostic
from dsl.source import Source
from dsl.strays import read_as
from dsl.tokens import KEYWORDS, number_value, scan, string_value


def kinds(text: str) -> list[str]:
    tokens = scan(Source("t.net", text))
    assert not tokens.errors, tokens.errors
    return [token.type for token in tokens.all]


def finding(text: str) -> Diagnostic:
    tokens = scan(Source("t.net", text))
    (found,) = (*tokens.slips, *(found for _, found in tokens.errors))
    return found


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("0", 0, ""),
        ("007", 7, ""),
        ("20_000", 20_000, ""),
        ("1.5", 1.5, ""),
        ("1e-3", 0.001, ""),
        ("2E+2", 200.0, ""),
        ("25%", 25, "%"),
        ("0.5%", 0.5, "%"),
        ("3epochs", 3, "epochs"),
        ("1e3steps", 1000.0, "steps"),
        ("12x", 12, "x"),
        ("2e", 2, "e"),
        ("9223372036854775807", 2**63 - 1, ""),
    ],
)
def test_a_number_is_one_token_with_its_unit(text: str, value: float, unit: str) -> None:
    assert kinds(text) == ["NUMBER"]
    assert number_value(text) == (value, unit)
    assert type(number_value(text)[0]) is type(value)  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "under", "message"),
    [
        ("25%x", "x", "`25%x` is not a number"),
        ("1__0", "1__0", "`1__0` is not a number"),
        ("1_", "1_", "`1_` is not a number"),
        ("3%%", "%", "`3%%` is not a number"),
        ("1e999", "1e999", "this number is too large"),
        ("9223372036854775808", "9223372036854775808", "this number is too large"),
        ("9" * 6000, "9" * 6000, "this number is too large"),
        ("1e-999", "1e-999", "this number is too small"),
        (".5", ".5", "a number starts with a digit"),
        ("1.5.2", "1.5.2", "a number has at most one decimal point"),
        ("x.2", ".2", "a number cannot follow a name and a dot"),
    ],
)
def test_not_a_number(text: str, under: str, message: str) -> None:
    found = finding(text)
    assert found.code == "E0107"
    assert found.message == message
    assert found.span is not None
    assert found.span.text == under


def test_zero_is_not_too_small() -> None:
    assert kinds("0.0 0e-999 0e5") == ["NUMBER"] * 3


def test_a_range_is_no_decimal_point() -> None:
    assert kinds("1..3") == ["NUMBER", "_RANGE", "NUMBER"]
    assert kinds("1.5..2.5") == ["NUMBER", "_RANGE", "NUMBER"]


def test_escapes() -> None:
    assert kinds(r'"a\"b\\c\n\t"') == ["STRING"]
    assert string_value(r'"a\"b\\c\n\t"') == 'a"b\\c\n\t'
    assert string_value(r'"\\n"') == r"\n"


@pytest.mark.parametrize(
    ("text", "code", "under"),
    [
        (r'"a\q"', "E0106", r"\q"),
        (r'"\é"', "E0106", r"\é"),
        ('"abc', "E0105", '"abc'),
        ('"abc  \n"x"', "E0105", '"abc'),
    ],
)
def test_not_a_string(text: str, code: str, under: str) -> None:
    found = finding(text)
    assert found.code == code
    assert found.span is not None
    assert found.span.text == under


@pytest.mark.parametrize("word", sorted(KEYWORDS))
def test_a_keyword_ends_with_its_word(word: str) -> None:
    assert kinds(word) == [f"_K_{word.upper()}"]
    assert kinds(word + "x") == kinds(word + "_") == kinds(word + "1") == kinds("x" + word) == ["NAME"]


@pytest.mark.parametrize("word", sorted(KEYWORDS))
def test_a_keyword_may_name_an_argument_or_stand_in_a_path(word: str) -> None:
    assert kinds(f"f({word} = 1)")[2] == "NAME"
    assert kinds(f"f(a, {word} = 1)")[4] == "NAME"
    assert kinds(f"{word}.a.{word}") == ["NAME", "_DOT", "NAME", "_DOT", "NAME"]
    assert kinds(f"f({word} == 1)")[2] != "NAME"
    assert kinds(f"[{word} = 1]")[1] != "NAME"
    assert kinds(f"fn f({word} = 1)")[3] != "NAME"
    assert kinds(f"{word} = 1")[0] != "NAME"


def test_words_that_are_no_names() -> None:
    assert kinds("true false pi and or not") == ["TRUTH", "TRUTH", "PI", "AND", "OR", "NOT"]
    assert kinds("f(pi = 1)")[2] == "PI"


@pytest.mark.parametrize(
    ("text", "under", "remedy"),
    [
        ("a ** b", "**", "`^`"),
        ("a => b", "=>", "`->`"),
        ("a |> b", "|>", "`->`"),
        ("a \u2192 b", "\u2192", "`->`"),
        ("a \u2212 b", "\u2212", "`-`"),
        ("a === b", "===", "`==`"),
        ("a && b", "&&", "if a then b else false"),
        ("!a", "!", "if a then false else true"),
        ("a;", ";", "line"),
        ("a;;;;", ";;;;", "line"),
        ("'a'", "'a'", '`"a"`'),
        ("\u201ca\u201d", "\u201ca\u201d", '`"a"`'),
        ("25 %", "%", "`25%`"),
        ("a @ b", "@", "matmul"),
        ("x\u00b2", "x\u00b2", "`x^2`"),
        ("gr\u00f6\u00dfe", "gr\u00f6\u00dfe", "letters"),
        ("a\u00a0", "\u00a0", "space"),
        ("a \ufeff", "\ufeff", "delete"),
        ("a\rb", "\r", "line"),
        ("\x00\x01\x02", "\x00\x01\x02", ""),
        ("a <- b", "<-", "`=`"),
    ],
)
def test_strays(text: str, under: str, remedy: str) -> None:
    found = finding(text)
    assert found.code == "E0104"
    assert found.span is not None
    assert found.span.text == under
    assert remedy in " ".join(found.help)


def test_comments_blanks_and_breaks() -> None:
    tokens = scan(Source("t.net", "a # b = \u00e9 \x00\r\n\t c\n\n d e"))
    assert [str(token) for token in tokens.all] == ["a", "c", "d", "e"]
    assert tokens.breaks == [False, True, True, False]


def test_a_byte_order_mark_keeps_the_offsets() -> None:
    tokens = scan(Source("t.net", "\ufeffabc"))
    assert not tokens.errors
    assert tokens.span(0).start == 1


@given(st.floats(min_value=1e-300, allow_infinity=False))
def test_floats_keep_their_value(value: float) -> None:
    assert number_value(repr(value)) == (value, "")


@given(st.text())
def test_tokens_are_text_in_order(text: str) -> None:
    tokens = scan(Source("t.net", text))
    end = 0
    for token in tokens.all:
        assert token.start_pos is not None
        assert token.end_pos is not None
        assert end <= token.start_pos < token.end_pos
        written = text[token.start_pos : token.end_pos]
        assert token in (written, read_as(written))
        end = token.end_pos
        if token.type == "NUMBER":
            value = number_value(token)
            assert value is not None
            assert math.isfinite(value[0])
