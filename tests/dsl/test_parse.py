"""Sound files and expressions: trees, the grammar, its tables."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from lark import Lark, Tree

from dsl import syntax
from dsl.grammar import TABLES, _compiled, _from_grammar, _from_tables, _made_for, parse_tokens
from dsl.parse import parse, parse_expression
from dsl.source import Source
from dsl.tokens import scan

from .texts import EXAMPLES, GRAMMAR, expression, nodes, value_of

# Sound files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_parses(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    file, found = parse(Source(path.name, text))
    assert not found
    assert file.statements
    for node in nodes(file):
        span = node.span  # type: ignore[attr-defined]
        assert 0 <= span.start < span.end <= len(text)
        if isinstance(node, syntax.Name):
            assert span.text == node.text


def test_grammar_is_strict_and_agrees_with_the_scanner() -> None:
    """Lark's own contextual lexer, with no conflict of rules or terminals, makes the same trees of the examples."""
    pytest.importorskip("interegular")
    lark = Lark(
        GRAMMAR.read_text(encoding="utf-8"), parser="lalr", lexer="contextual", strict=True, start=["start", "expr"]
    )
    for path in EXAMPLES:
        text = path.read_text(encoding="utf-8")
        ours = parse_tokens(scan(Source(path.name, text)).all)
        assert isinstance(ours, Tree)
        assert lark.parse(text, start="start") == ours


def test_tables_are_of_this_grammar() -> None:
    """`python -m dsl.grammar` makes them again after a change."""
    made = json.loads(TABLES.read_text(encoding="utf-8"))["made_for"]
    assert made[1] == _made_for()[1]


def test_tables_and_grammar_make_the_same_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = [scan(Source(path.name, path.read_text(encoding="utf-8"))).all for path in EXAMPLES]
    ready = [parse_tokens(each) for each in tokens]
    made = _compiled(_from_grammar())
    monkeypatch.setattr("dsl.grammar._machine", lambda: made)
    assert [parse_tokens(each) for each in tokens] == ready


def test_tables_of_another_grammar_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsl.grammar.TABLES", tmp_path / "net.json")
    for text in ("", "{", '{"made_for": ["0", "0"]}'):
        (tmp_path / "net.json").write_text(text, encoding="utf-8")
        assert _from_tables() is None


def test_every_example_is_there() -> None:
    assert len(EXAMPLES) == 26


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark(ending: str, mark: str) -> None:
    text = mark + (Path(__file__).parent / "examples" / "xor.net").read_text(encoding="utf-8").replace("\n", ending)
    file, found = parse(Source("xor.net", text))
    assert not found
    data = file.statements[0]
    assert isinstance(data, syntax.Data)
    assert data.body[0].span.text == "x = [[0, 0], [0, 1], [1, 0], [1, 1]]"


def test_nodes_of_a_model() -> None:
    text = "model {\n  input t: class(?k)[2, ?]\n  layer e = f -> repeat 2 { g(1) }\n"
    text += "  a, b = x -> lib.f(1, pad = same) as h\n}\n"
    file, found = parse(Source("t.net", text))
    assert not found
    (model,) = file.statements
    assert isinstance(model, syntax.Model)
    given_, layer, bind = model.body
    assert isinstance(given_, syntax.Input)
    kind = given_.type
    assert isinstance(kind, syntax.LabelType)
    assert isinstance(kind.classes, syntax.Unknown)
    assert kind.classes.name is not None
    assert kind.classes.name.text == "k"
    assert kind.shape is not None
    assert [type(size) for size in kind.shape.sizes] == [syntax.Number, syntax.Unknown]
    assert isinstance(layer, syntax.Layer)
    assert [type(step) for step in layer.steps] == [syntax.Stage, syntax.Repeat]
    assert isinstance(bind, syntax.Bind)
    assert [name.text for name in bind.names] == ["a", "b"]
    assert isinstance(bind.value, syntax.Pipe)
    (stage,) = bind.value.steps
    assert isinstance(stage, syntax.Stage)
    assert stage.function.text == "lib.f"
    assert stage.arguments is not None
    assert [a.name.text if a.name else None for a in stage.arguments] == [None, "pad"]
    assert stage.alias is not None
    assert stage.alias.text == "h"


def test_a_stage_without_parentheses_has_no_arguments() -> None:
    pipe = value_of("h = x -> f -> g()")
    assert isinstance(pipe, syntax.Pipe)
    assert [step.arguments for step in pipe.steps if isinstance(step, syntax.Stage)] == [None, ()]


def shape_of(node: syntax.Expr) -> str:
    """An expression with all parentheses."""
    if isinstance(node, syntax.Binary):
        return f"({shape_of(node.left)} {node.operator} {shape_of(node.right)})"
    if isinstance(node, syntax.Unary):
        return f"(- {shape_of(node.operand)})"
    if isinstance(node, syntax.If):
        return f"(if {shape_of(node.condition)} {shape_of(node.then)} {shape_of(node.otherwise)})"
    if isinstance(node, syntax.Pipe):
        return f"({shape_of(node.source)} -> {' -> '.join(step.span.text for step in node.steps)})"
    return node.span.text


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("a + b * c", "(a + (b * c))"),
        ("a - b - c", "((a - b) - c)"),
        ("a ^ b ^ c", "(a ^ (b ^ c))"),
        ("-a ^ 2", "(- (a ^ 2))"),
        ("2 ^ -1", "(2 ^ (- 1))"),
        ("a // b / c", "((a // b) / c)"),
        ("a + b < c * d", "((a + b) < (c * d))"),
        ("a + b -> f -> g", "((a + b) -> f -> g)"),
        ("(a -> f) + b", "((a -> f) + b)"),
        ("if a then b else c + d -> f", "(if a b ((c + d) -> f))"),
        ("if a then b -> f else if c then d else e", "(if a (b -> f) (if c d e))"),
        ("((a))", "a"),
    ],
)
def test_binding(text: str, shape: str) -> None:
    assert shape_of(expression(text)) == shape


def test_parse_expression() -> None:
    number = expression("1e-3")
    assert isinstance(number, syntax.Number)
    assert number.value == 0.001
    pi = expression("pi")
    assert isinstance(pi, syntax.Number)
    assert pi.value == math.pi
    truth = expression("true")
    assert isinstance(truth, syntax.Truth)
    assert truth.value is True
    for text in ("", "1 +", "a b", "(", "a = 3", "1..3", "\x00", "for", "[1 -2]"):
        made, found = parse_expression(Source("<set>", text))
        assert made is None
        assert len(found) == 1, text


def test_brackets_belong_to_the_expression_they_end() -> None:
    for text in ("1 + (1)", "(1) + 1", "(1 + 1) * (2)", "-(a)", "[(1)] + (2)"):
        assert expression(text).span.text == text
    assert expression("(1 + 1)").span.text == "1 + 1"


@pytest.mark.parametrize("head", ["=", "+", "->", "1", '"model"', "a.b", "(model)"])
def test_a_section_without_its_word_is_not_passed_over(head: str) -> None:
    for text in (f"{head} {{\n  input x: [1]\n}}\n", f"data {{\n  x = [[1]]\n}}\n{head} {{\n  a = 1\n}}\n"):
        assert parse(Source("a.net", text))[1], text


@pytest.mark.parametrize("names", ["a, b", "a,\n b", "a,\n b,\n c"])
@pytest.mark.parametrize("begin", ["model {\n  ", "model { "])
def test_names_of_several_values_may_stand_in_several_lines(begin: str, names: str) -> None:
    """A comma at the end of a line is no slip where it stands between names."""
    assert parse(Source("a.net", f"{begin}{names} = x -> f\n}}"))[1] == []
