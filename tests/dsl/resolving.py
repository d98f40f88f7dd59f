"""Helpers for the tests of the resolver."""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path

from dsl.diagnostics import Diagnostic
from dsl.graph import Data, LayerGraph, Node, Type
from dsl.resolve import resolve
from dsl.source import Source

from .catalog_for_tests import CATALOG

EXAMPLES = Path(__file__).parent / "examples"

HEAD = "model {\n  input x: [4]\n  target y: [1]\n"
"""Lines 1 to 3 of a small model; what is tested begins at line 4."""


def found(text: str, **options: object) -> tuple[LayerGraph | None, list[Diagnostic]]:
    return resolve(Source("test.net", text), CATALOG, **options)  # type: ignore[arg-type]


def graph(text: str, **options: object) -> LayerGraph:
    """The graph of a file that has no errors."""
    made, findings = found(text, **options)
    assert made is not None, findings
    return made


def model(body: str, before: str = "") -> LayerGraph:
    """The graph of a model with `input x: [4]` and a body."""
    return graph(f"{before}\nmodel {{\n  input x: [4]\n{body}\n}}")


def errors(text: str, **options: object) -> list[tuple[str, str, str]]:
    """Code, message and marked text of each error."""
    made, findings = found(text, **options)
    wrong = [(d.code, d.message, d.span.text if d.span else "") for d in findings if d.severity == "error"]
    assert (made is None) == bool(wrong)
    return wrong


def error(text: str, **options: object) -> Diagnostic:
    """The only error."""
    _, findings = found(text, **options)
    wrong = [d for d in findings if d.severity == "error"]
    assert len(wrong) == 1, wrong
    return wrong[0]


def names(graph: LayerGraph, *kinds: str) -> list[str]:
    """Names of the nodes, of some kinds or of all that are no input, target or constant."""
    return [
        n.name for n in graph.nodes if (n.kind in kinds if kinds else n.kind not in ("input", "target", "constant"))
    ]


def node(graph: LayerGraph, name: str) -> Node:
    return next(n for n in graph.nodes if n.name == name)


def fake_measure(data: Data, wanted: Mapping[str, str], targets: Set[str]) -> dict[str, Type]:
    """Types for the examples that leave sizes to the data."""
    shapes = {"x": (12,), "words": (500,), "tags": (20,), "text": (64,), "next": (64,)}
    if "u" in wanted:
        shapes |= {"text": (16,), "next": (16,), "u": (8,), "v": (8,)}
    return {name: Type(shapes.get(name, ()), 65 if kind == "class" else None) for name, kind in wanted.items()}


def read(path: str) -> str:
    return (EXAMPLES / path).read_text(encoding="utf-8")
