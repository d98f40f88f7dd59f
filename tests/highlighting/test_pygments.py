"""The Pygments lexer: what the parser says of each token, and every text comes out as it went in."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, Punctuation, String, Text, _TokenType

from dsl.tokens import SIGNS, WORDS
from gpubp.pygments_lexer import NetLexer

from .expected import TEXTS, pieces

KINDS: dict[str, _TokenType] = {
    "comment": Comment.Single,
    "keyword": Keyword,
    "constant": Keyword.Constant,
    "type": Keyword.Type,
    "number": Number,
    "string": String,
    "operator": Operator,
    "punctuation": Punctuation,
    "function": Name.Function,
    "argument": Name.Attribute,
    "namespace": Name.Namespace,
    "name": Name,
}
EXACT = {"keyword", "name", "operator"}
"""What is of just this type, not of one below it."""


def lexed(text: str) -> list[tuple[int, _TokenType, str]]:
    return list(NetLexer().get_tokens_unprocessed(text))


@pytest.mark.parametrize("name", TEXTS)
def test_each_token_is_what_the_parser_says(name: str) -> None:
    text = TEXTS[name]
    found = lexed(text)
    for piece in pieces(text):
        inside = [one for one in found if piece.start <= one[0] < piece.start + len(piece.text)]
        assert "".join(part for _, _, part in inside) == piece.text
        for _, kind, part in inside:
            assert kind in KINDS[piece.what], (piece, part)
            assert kind is KINDS[piece.what] or piece.what not in EXACT, (piece, part)
    assert not [one for one in found if one[1] in Error]


def round_trip(text: str) -> None:
    end = 0
    for start, _, part in lexed(text):
        assert start == end
        assert part
        end = start + len(part)
    assert "".join(part for _, _, part in lexed(text)) == text


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_comes_out_as_it_went_in(name: str) -> None:
    round_trip(TEXTS[name])
    assert "".join(part for _, part in NetLexer(stripnl=False).get_tokens(TEXTS[name])) == TEXTS[name]


@given(
    st.lists(
        st.sampled_from([*WORDS, *SIGNS, "class", "x", '"', "\\", "#", "\n", " ", "\t", "3epochs", ";", "é", "/*"])
    )
)
def test_any_tokens_come_out_as_they_went_in(parts: list[str]) -> None:
    round_trip("".join(parts))


@given(st.text())
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    round_trip(text)


@pytest.mark.parametrize("text", ['"open', "x = 'a'", "3_", "a; b", "// a comment", "é", "\ufeff// x"])
def test_what_is_no_token_is_an_error(text: str) -> None:
    assert [one for one in lexed(text) if one[1] in Error]
    round_trip(text)


def test_a_mark_of_the_byte_order_and_line_ends_of_windows_are_no_errors() -> None:
    text = "\ufeff# a\r\nlet a = 1\r\n"
    assert not [one for one in lexed(text) if one[1] in Error]
    round_trip(text)


def test_escapes_stand_out() -> None:
    assert [(kind, part) for _, kind, part in lexed(r'"a\n"')] == [
        (String.Double, '"a'),
        (String.Escape, r"\n"),
        (String.Double, '"'),
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("20_000", Number.Integer),
        ("3epochs", Number.Integer),
        ("25%", Number.Integer),
        ("1e-3", Number.Float),
        ("0.5steps", Number.Float),
    ],
)
def test_numbers(text: str, kind: _TokenType) -> None:
    assert lexed(text) == [(0, kind, text)]


def test_very_long_nonsense_ends() -> None:
    round_trip("; " * 5000)
    assert lexed("\n") == [(0, Text.Whitespace, "\n")]


def test_pygments_finds_it() -> None:
    (entry,) = entry_points(group="pygments.lexers", name="gpubp")
    assert entry.value == "gpubp.pygments_lexer:NetLexer"
    for found in (get_lexer_by_name("gpubp"), get_lexer_by_name("net"), get_lexer_for_filename("xor.net")):
        assert isinstance(found, NetLexer)
    page = highlight("a = x -> relu  # here", get_lexer_by_name("net"), HtmlFormatter())
    assert '<span class="nf">relu</span>' in page


def test_gpubp_does_without_pygments() -> None:
    script = """
import importlib, pkgutil, sys
sys.modules["pygments"] = None
import gpubp
for module in pkgutil.walk_packages(gpubp.__path__, "gpubp."):
    if module.name not in ("gpubp.pygments_lexer", "gpubp.__main__"):
        importlib.import_module(module.name)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
