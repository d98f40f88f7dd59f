"""What each token of a valid text is, said by the parser: the syntax tree knows which names are functions.

A stage's name counts as one after `->` and before `(`; where it begins a chain (`repeat 2 { relu }`), its line alone
does not tell.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

from dsl import syntax
from dsl.parse import parse
from dsl.source import Source
from dsl.tokens import scan
from tests.dsl.texts import EXAMPLES, nodes
from tests.robustness.generated import generated
from tools.language_docs import PATH
from tools.markdown import blocks, whole

MODELS = sorted((Path(__file__).resolve().parents[2] / "models").glob("*.net"))
TEXTS = {
    **{path.stem: path.read_text(encoding="utf-8") for path in (*MODELS, *EXAMPLES)},
    **{f"generated {seed}": generated(Random(seed)) for seed in range(40)},
    **{
        f"language.md {block}": whole(block)
        for block in blocks(PATH.read_text(encoding="utf-8"))
        if block.kind == "net" and block.file != "wrong.net"
    },
}
TEXTS["every form"] = r"""import "a\"b.net" as lib # as model
param act = relu in [relu, tanh]
fn f(z, scale = 1) = z ^ 2 // 3
block b(n) on x, y { return x -> lib.train, y ->   # a comment
    lib.repeat(if = 2e-3, in = [for k in 1..2 { f(k, for = 3) }]) }
model {
  input s: class(?k)[2, ?]
  u, v = s -> b(1)
  w = (u -> repeat 2 { act } -> for a, c in [[1, 2]] { dense(a * 25%) } -> f as d) - train.loss
  output o = if pi >= 1 then w->relu else v == true
}
train { x = [3epochs, 20_000.5steps] }
"""
OPERATORS = frozenset("_ARROW _RANGE _EQUAL _QUERY PLUS MINUS TIMES POWER COMPARE".split())


@dataclass(frozen=True, slots=True)
class Piece:
    """A token or a comment: its place, its text and what it is."""

    start: int
    text: str
    what: str


def pieces(text: str) -> list[Piece]:
    """All tokens and comments of a valid text, in order."""
    tokens = scan(Source("t.net", text))
    after_arrow = {token.start_pos for before, token in pairwise(tokens.all) if before.type == "_ARROW"}
    names = _names(text, after_arrow)
    found = []
    end = 0
    for token in tokens.all:
        start = token.start_pos or 0
        found += _comments(text, end, start)
        end = start + len(token)
        found.append(Piece(start, str(token), names.get(start) or _what(token.type)))
    return [*found, *_comments(text, end, len(text))]


def _comments(text: str, start: int, end: int) -> list[Piece]:
    found = []
    for line in text[start:end].splitlines(keepends=True):
        if "#" in line:
            found.append(Piece(start + line.index("#"), line[line.index("#") :].rstrip("\n"), "comment"))
        start += len(line)
    return found


def _what(kind: str) -> str:
    if kind in ("NUMBER", "STRING", "NAME"):
        return kind.lower()
    if kind in ("TRUTH", "PI"):
        return "constant"
    return "keyword" if kind.startswith("_K_") else "operator" if kind in OPERATORS else "punctuation"


def _names(text: str, after_arrow: Set[int | None]) -> dict[int, str]:
    """The place of each name that is more than a name."""
    file, errors = parse(Source("t.net", text))
    assert not errors, errors
    found: dict[int, str] = {}
    for node in nodes(file):
        if isinstance(node, syntax.Path):
            found |= {part.span.start: "namespace" for part in node.parts[:-1]}
        elif isinstance(node, syntax.Fn | syntax.Block):
            found[node.name.span.start] = "function"
        elif isinstance(node, syntax.Argument):
            found |= {node.name.span.start: "argument"} if node.name else {}
        elif isinstance(node, syntax.Formal):
            found |= {node.name.span.start: "argument"} if node.default else {}
        elif isinstance(node, syntax.LabelType):
            found[node.keyword.span.start] = "type"
        if isinstance(node, syntax.Call) or (
            isinstance(node, syntax.Stage) and (node.arguments is not None or node.function.span.start in after_arrow)
        ):
            found[node.function.parts[-1].span.start] = "function"
    return found
