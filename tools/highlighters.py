"""Writes editors/gpubp.tmLanguage.json, the TextMate grammar of `.net` files, from the language's own tokens.

    python -m tools.highlighters

Keywords and signs come from dsl/tokens.py, the forms of names, numbers, strings and comments from dsl/net.lark. The
patterns keep to what both Oniguruma and Python's `re` understand, so that the tests can run them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from typing import Any, get_args, get_type_hints

from dsl.graph import Duration
from dsl.tokens import KEYWORDS, SIGNS, WORDS

from .language_docs import ROOT, terminals

PATH = ROOT / "editors" / "gpubp.tmLanguage.json"
UNITS = ("%", *get_args(get_type_hints(Duration)["unit"]))
PUNCTUATION = frozenset(".:,")
BRACKETS = {"(": ")", "[": "]", "{": "}"}
_BEFORE, _AFTER = "(?<![A-Za-z0-9_])", "(?![A-Za-z0-9_])"
_ASSIGNED = r"[ \t]*=(?!=)"
_DOT = r"[ \t]*\.(?!\.)"

Rule = dict[str, Any]


def grammar() -> Rule:
    """The whole grammar, as JSON will have it."""
    name, number, string, comment = (terminals()[kind].strip("/") for kind in ("NAME", "NUMBER", "STRING", "COMMENT"))
    constants = [word for word, kind in WORDS.items() if kind in ("TRUTH", "PI")]
    logic = [word for word, kind in WORDS.items() if kind in ("AND", "OR", "NOT")]
    operators = set(SIGNS) - PUNCTUATION - BRACKETS.keys() - set(BRACKETS.values()) - {"->"}
    rules: dict[str, Rule] = {
        "comment": _match(comment, "comment.line.number-sign"),
        "string": _string(string),
        "unclosed-string": _match(r'"[^"\n]*"?', "invalid.illegal.string"),
        "number": _number(number),
        "stage": _stage(name),
        "type": _captured(r"(:)[ \t]*(class)\b", "punctuation.separator.type", "support.type"),
        # A keyword may name an argument or be a part of a path.
        "keyword": _match(
            rf"(?<![A-Za-z0-9_.]){_any(KEYWORDS)}{_AFTER}(?!{_ASSIGNED}|{_DOT})",
            "keyword.control",
        ),
        "constant": _match(f"{_BEFORE}{_any(constants)}{_AFTER}", "constant.language"),
        "logic": _match(f"{_BEFORE}{_any(logic)}{_AFTER}", "keyword.operator.word"),
        "namespace": _match(f"{name}(?={_DOT})", "entity.name.namespace"),
        "function": _match(rf"{name}(?=[ \t]*\()", "entity.name.function"),
        "call": _bracket("(", {"include": "#argument"}),
        "list": _bracket("["),
        "braces": _bracket("{"),
        "stray": _match(_any(BRACKETS.values()), "invalid.illegal.bracket"),  # the end of no bracket, or of another
        "name": _match(name, "variable.other"),
        "operator": _match(_any(operators), "keyword.operator"),
        "punctuation": _match(_any(PUNCTUATION), "punctuation.separator"),
    }
    return {
        "comment": "written by python -m tools.highlighters",
        "name": "gpubp",
        "scopeName": "source.gpubp",
        "fileTypes": ["net"],
        "patterns": [{"include": f"#{key}"} for key in rules],
        "repository": rules | {"argument": _match(f"{name}(?={_ASSIGNED})", "variable.parameter")},
    }


def _any(words: Iterable[str]) -> str:
    """One of the words, the longest that fits."""
    return f"(?:{'|'.join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))})"


def _scope(name: str) -> Rule:
    return {"name": f"{name}.gpubp"}


def _match(pattern: str, name: str) -> Rule:
    return {"match": pattern, **_scope(name)}


def _captured(pattern: str, *names: str) -> Rule:
    return {"match": pattern, "captures": {str(i): _scope(name) for i, name in enumerate(names, 1)}}


def _string(pattern: str) -> Rule:
    return {
        **_match(pattern, "string.quoted.double"),
        "captures": {"0": {"patterns": [_match(r"\\.", "constant.character.escape")]}},
    }


def _number(pattern: str) -> Rule:
    unit = re.compile(pattern).groups  # the unit is the last group
    known = _match(f"{_any(UNITS)}{_AFTER}", "keyword.other.unit")
    unknown = _match("[A-Za-z0-9_]+", "invalid.illegal.unit")
    return {**_match(pattern, "constant.numeric"), "captures": {str(unit): {"patterns": [known, unknown]}}}


def _stage(name: str) -> Rule:
    """An arrow, and the function that it leads to, on a later line perhaps."""
    word = rf"(?<!\.){_any(KEYWORDS)}{_AFTER}(?!{_DOT})"  # `-> repeat`; in `-> lib.repeat` it is a name
    return {
        "begin": "->",
        "beginCaptures": {"0": _scope("keyword.operator.arrow")},
        "end": rf"(?!{word}){name}{_AFTER}(?!{_DOT})|(?={word})|(?=[^\s#.A-Za-z_])",
        "endCaptures": {"0": _scope("entity.name.function")},
        "patterns": [{"include": "#comment"}, {"include": "#namespace"}, _match(r"\.", "punctuation.separator")],
    }


def _bracket(opener: str, *first: Rule) -> Rule:
    name = {"(": "parens", "[": "brackets", "{": "braces"}[opener]
    return {
        "begin": re.escape(opener),
        "beginCaptures": {"0": _scope(f"punctuation.section.{name}.begin")},
        "end": re.escape(BRACKETS[opener]),
        "endCaptures": {"0": _scope(f"punctuation.section.{name}.end")},
        "patterns": [*first, {"include": "$self"}],
    }


def text() -> str:
    """The file's text."""
    return json.dumps(grammar(), indent=2) + "\n"


def write() -> int:
    """Writes the file; returns the exit code."""
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(write())
