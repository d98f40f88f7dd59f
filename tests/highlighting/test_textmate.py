"""The TextMate grammar: it is the generator's, its patterns hold, and it sees in each token what the parser sees."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.tokens import KEYWORDS, SIGNS, WORDS
from gpubp.frontend.catalog import catalog
from tools import highlighters

from .expected import TEXTS, pieces
from .textmate import Reader

GRAMMAR: dict[str, Any] = json.loads(highlighters.PATH.read_text(encoding="utf-8"))
EDITORS = highlighters.PATH.parent
SCOPES = {
    "comment": "comment.line.number-sign",
    "keyword": "keyword.control",
    "constant": "constant.language",
    "type": "support.type",
    "number": "constant.numeric",
    "string": "string.quoted.double",
    "operator": "keyword.operator",
    "punctuation": "punctuation",
    "function": "entity.name.function",
    "argument": "variable.parameter",
    "namespace": "entity.name.namespace",
    "name": "variable.other",
}


def rules(rule: Any) -> Iterator[dict[str, Any]]:
    if isinstance(rule, dict):
        yield rule
    for one in rule.values() if isinstance(rule, dict) else rule if isinstance(rule, list) else ():
        yield from rules(one)


def test_the_file_is_up_to_date() -> None:
    assert highlighters.PATH.read_text(encoding="utf-8") == highlighters.text(), "run python -m tools.highlighters"


def test_every_pattern_compiles_and_every_include_leads_somewhere() -> None:
    found = list(rules(GRAMMAR))
    patterns = [rule[key] for rule in found for key in ("match", "begin", "end") if key in rule]
    assert len(patterns) > 20
    for pattern in patterns:
        # What Python and Oniguruma read alike: no possessive quantifiers, no inline flags, no named groups.
        assert not re.search(r"[*+?}]\+|\(\?[a-zP#]", pattern), pattern
        assert re.compile(pattern).match("") is None, f"{pattern} matches nothing at all"
    for rule in found:
        assert ("begin" in rule) == ("end" in rule)
        include = rule.get("include", "$self")
        assert include == "$self" or include.removeprefix("#") in GRAMMAR["repository"]
        for key in rule:
            assert key in {
                *("match", "begin", "end", "name", "captures", "beginCaptures", "endCaptures", "patterns", "include"),
                *("comment", "scopeName", "fileTypes", "repository"),
                *GRAMMAR["repository"],
                *"0123456789",
            }
        if "captures" in rule:
            assert max(map(int, rule["captures"])) <= re.compile(rule["match"]).groups


@pytest.mark.parametrize("name", TEXTS)
def test_each_token_is_what_the_parser_says(name: str) -> None:
    text = TEXTS[name]
    scopes = Reader(GRAMMAR, text).read()
    covered = [False] * len(text)
    for piece in pieces(text):
        for i in range(piece.start, piece.start + len(piece.text)):
            covered[i] = True
            scope = scopes[i][0] if scopes[i] else ""
            assert scope == SCOPES[piece.what] or scope.startswith(f"{SCOPES[piece.what]}."), (piece, scope)
    assert all(covered[i] or not scopes[i] for i in range(len(text))), "a scope where no token is"


@given(st.lists(st.sampled_from([*WORDS, *SIGNS, "class", "x", '"', "\\", "#", "\n", " ", "3epochs", "12x", ";", "é"])))
def test_any_text_is_read_to_its_end(parts: list[str]) -> None:
    text = "".join(parts)
    assert len(Reader(GRAMMAR, text).read()) == len(text)


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ('"open', "invalid.illegal.string"),
        (r'"a\q"', "invalid.illegal.string"),
        ("12x", "invalid.illegal.unit"),
        ("12epochsx", "invalid.illegal.unit"),
        ("25%", "keyword.other.unit"),
        ("3steps", "keyword.other.unit"),
        (r'"a\n"', "constant.character.escape"),
        ("a and b", "keyword.operator.word"),
        ("f(1]", "invalid.illegal.bracket"),
        ("}", "invalid.illegal.bracket"),
    ],
)
def test_parts_of_a_token(text: str, scope: str) -> None:
    assert scope in {last[-1] for last in Reader(GRAMMAR, text).read() if last}


def test_units_are_those_of_the_language() -> None:
    assert highlighters.UNITS == ("%", "epochs", "steps")


def test_every_word_and_sign_is_there() -> None:
    for word in {*KEYWORDS, *WORDS, *SIGNS} - {*highlighters.BRACKETS.values()}:
        (scope,) = set(Reader(GRAMMAR, word).read())
        assert scope, word
        assert not scope[0].startswith(("variable", "entity", "invalid")), word


def test_no_word_of_the_catalogue_is_in_it() -> None:
    """A layer is a plain name: a new one needs no change here."""
    words = {name for names in catalog().entries.values() for name in names}
    written = set(re.findall(r"\w+", " ".join(str(one.get("match", "")) for one in rules(GRAMMAR))))
    assert not words & written


def test_the_extension_is_whole() -> None:
    package = json.loads((EDITORS / "package.json").read_text(encoding="utf-8"))
    (language,) = package["contributes"]["languages"]
    (grammar,) = package["contributes"]["grammars"]
    assert language["extensions"] == [".net"]
    assert grammar["scopeName"] == GRAMMAR["scopeName"]
    assert grammar["language"] == language["id"]
    assert (EDITORS / grammar["path"]).resolve() == highlighters.PATH
    configuration = json.loads((EDITORS / language["configuration"]).read_text(encoding="utf-8"))
    assert configuration["comments"] == {"lineComment": "#"}
    assert dict(configuration["brackets"]) == highlighters.BRACKETS
