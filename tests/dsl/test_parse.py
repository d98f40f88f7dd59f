"""The parser: what it makes of sound files, what it says about broken ones, and that nothing makes it raise."""

from __future__ import annotations

import json
import math
import random
import time
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark, Tree

from dsl import syntax
from dsl.diagnostics import Diagnostic
from dsl.grammar import TABLES, _from_grammar, _from_tables, _made_for, parse_tokens
from dsl.parse import MOST_FINDINGS, parse, parse_expression
from dsl.source import Source, Span
from dsl.tokens import scan

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.net"))
GRAMMAR = Path(parse.__code__.co_filename).with_name("net.lark")


def findings(text: str) -> list[Diagnostic]:
    return parse(Source("t.net", text))[1]


def expression(text: str) -> syntax.Expr:
    made, found = parse_expression(Source("<set>", text))
    assert made is not None, found
    assert not found
    return made


def value_of(statement: str) -> syntax.Expr:
    """The value of a statement in a model."""
    file, found = parse(Source("t.net", f"model {{\n  {statement}\n}}\n"))
    assert not found, found
    model = file.statements[0]
    assert isinstance(model, syntax.Model)
    bind = model.body[0]
    assert isinstance(bind, syntax.Bind)
    return bind.value


def nodes(node: object) -> list[object]:
    """A node and all below it."""
    if isinstance(node, tuple):
        return [found for item in node for found in nodes(item)]
    if not is_dataclass(node) or isinstance(node, Span | Source):
        return []
    return [node, *(found for f in fields(node) for found in nodes(getattr(node, f.name)))]


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
    made = _from_grammar()
    monkeypatch.setattr("dsl.grammar._parser", lambda: made)
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
        return f"({shape_of(node.left)} {node.sign} {shape_of(node.right)})"
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


# Findings ------------------------------------------------------------------------------------------------------------

MISTAKES = [
    # what stands in a model, code, the text under the carets, message, a part of the help
    (
        "h = t -> embedding(64) + pos",
        "E0117",
        "+",
        "a pipe cannot be followed by `+`",
        "`h = (t -> embedding(64)) + pos`",
    ),
    ("h = dense(?)", "E0115", "?", "`?` stands in types only", "name the size: `target y: class(?k)`, then `dense(k)`"),
    ("h = x -> if norm then f(1) else g", "E0118", "if", "`if` is not a stage", "`if norm then x -> f(1) else x -> g`"),
    (
        "for i in 1..n { f = concat(f, x) }",
        "E0119",
        "for",
        "`for` repeats stages of a pipe; a name is assigned once",
        "grow",
    ),
    ("repeat 3 { f }", "E0119", "repeat", "`repeat` repeats stages of a pipe; a name is assigned once", "grow"),
    (
        "h = f([-0.8 -0.1])",
        "E0112",
        "-",
        "this minus has space before it and none after",
        "`-0.8, -0.1`; a difference: `-0.8 - 0.1`",
    ),
    ("h = a - b - c -d", "E0112", "-", "this minus has space before it and none after", "`c - d`"),
    ("h = a- d", "E0112", "-", "this minus has space after it and none before", "`a - d`"),
    ("h = a\n    -b", "E0112", "-", "a line may begin with `- x`, not with `-x`", "`- b`"),
    ("h = y[0]", "E0116", "[0]", "values are not indexed", "`slice(y, 0, 1)`"),
    ("h = f(y[0], 2)", "E0116", "[0]", "values are not indexed", "`slice(y, 0, 1)`"),
    ("h: 20", "E0122", ":", "`:` gives a type, `=` a value", "`h = ...`"),
    ("h = f(a: 3)", "E0122", ":", "`:` gives a type, `=` a value", "`a = ...`"),
    ("input y = [3]", "E0122", "=", "`input` takes a type, which `:` gives", "`input y: [2]`"),
    ("h = if a = 3 then x else y", "E0122", "=", "`=` gives a value; it does not compare", "`==`"),
    ("h += 2", "E0122", "+=", "there is no `+=`: a name is assigned once", ""),
    ("h = x dense(8)", "E0114", "dense", "nothing joins `x` and `dense`", "`x -> dense`"),
    ("h = x -> dense(8) tanh", "E0114", "tanh", "nothing joins `dense(8)` and `tanh`", "`dense(8) -> tanh`"),
    ("output p 3", "E0114", "3", "`=` is missing before the value", ""),
    ("h = [1, 2 3]", "E0113", "3", "a comma is missing between two values", ""),
    ("h = [[1] [2]]", "E0113", "[", "a comma is missing between two values", ""),
    ("h = 2(x)", "E0114", "(", "`2` cannot be called", "`*`"),
    (
        "h = a\n  dense(8)",
        "E0111",
        "dense",
        "this line neither begins a statement nor goes on with the one above",
        "`-> dense`",
    ),
    ("h = if a then\n    b else c", "E0111", "then", "a line does not end with `then`", "before `then`"),
    ("h = x -> f(8", "E0108", "(", "this `(` is never closed", ""),
    ("h = x -> f(8]", "E0108", "]", "`(` is closed by `]`", ""),
    ("h = x -> f(8))", "E0109", ")", "`)` closes nothing", "delete"),
    ("h = (1, 2)", "E0123", ",", "there are no tuples: parentheses only group", "`[ ]`"),
    ("h = 1, 2", "E0123", ",", "a statement gives one value", "`[a, b]`"),
    ("h = 1..3", "E0124", "..", "`..` stands after `in` only", ""),
    ("h = x -> repeat 2 { f as g }", "E0120", "as g", "`as` cannot stand in a loop: it would name many values", ""),
    ("layer l = f as g -> h", "E0120", "as g", "`as` cannot stand in a layer", ""),
    (
        "h = [for i in 1..2 { x -> f as g }]",
        "E0120",
        "as g",
        "`as` cannot stand in a loop: it would name many values",
        "",
    ),
    ("h = a and b", "E0127", "and", "the language has no `and`", "`if a then b else false`"),
    ("h = f(not a)", "E0127", "not", "the language has no `not`", ""),
    ("h = a < b < c", "E0128", "<", "comparisons do not chain", ""),
    ("input = x -> f", "E0110", "input", "`input` is a reserved word and names nothing", "`input_`"),
    ("data = x", "E0110", "data", "`data` is a reserved word and names nothing", ""),
    ("h = x -> data", "E0110", "data", "`data` is a reserved word and names nothing", ""),
    ("pi = 3", "E0110", "pi", "`pi` is a reserved word and names nothing", ""),
    ("let c = 3", "E0129", "let", "`let` cannot stand in `model`", "`name = ...`"),
    ("loss", "E0125", "loss", "`loss` alone is no statement", "`loss = ...`"),
    ("dense(3)", "E0125", "dense", "a call alone is no statement", "`h = dense(...)`"),
    ("x -> dense(3)", "E0125", "->", "a pipe alone is no statement", "`h = x -> ...`"),
    ("h =", "E0125", "=", "a value is missing after `=`", ""),
    ("h = x ->", "E0125", "->", "`->` leads nowhere", ""),
    ("h = x -> -> f", "E0125", "->", "a stage is missing between two `->`", ""),
    ("h = a *", "E0125", "*", "`*` has nothing after it", ""),
    ("h = [1, , 2]", "E0125", ",", "a value is missing after `,`", ""),
    ("h = if a then b", "E0125", "if", "this `if` has no `else`", ""),
    ("h = {a = 3}", "E0125", "{", "braces hold no values: there are no dictionaries", "`[ ]`"),
    ("h = x -> (f)", "E0125", "(", "`->` leads to no stage", ""),
    ("h = x -> repeat { f }", "E0125", "repeat", "`repeat` is not told how often", ""),
    ("h = x - > f", "E0125", "- >", "`- >` is not an arrow", "`->`"),
    ("inptu y: [3]", "E0121", "inptu", "there is no statement `inptu`", "`input`"),
    ("h = 3 k = 4", "E0111", "k", "a statement begins on a line of its own", ""),
]


@pytest.mark.parametrize(("statement", "code", "under", "message", "remedy"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_mistake(statement: str, code: str, under: str, message: str, remedy: str) -> None:
    """One finding each, in a file that is sound before and after it; the sound statements are there."""
    text = f"model {{\n  input x: [2]\n  {statement}\n  z = x -> g\n}}\n\ntrain {{\n  loss = z\n}}\n"
    file, found = parse(Source("t.net", text))
    assert [d.message for d in found] == [message]
    (finding,) = found
    assert finding.code == code
    assert finding.span is not None
    assert finding.span.text == under
    assert remedy in " ".join(finding.help)
    model, train = file.statements
    assert isinstance(model, syntax.Model)
    assert isinstance(train, syntax.Train)
    assert model.body[0].span.text == "input x: [2]"
    assert model.body[-1].span.text == "z = x -> g"


FILES = [
    ("", "E0101", "the file is empty"),
    ("  # nothing\n", "E0101", "the file is empty"),
    ("modle {\n  input x: [2]\n}\n", "E0121", "there is no section `modle`"),
    ("layers {\n  input x: [2]\n}\n", "E0121", "there is no section `layers`"),
    ("parm lr = 3", "E0121", "there is no statement `parm`"),
    ("h = x", "E0129", "`h` stands outside all sections"),
    ("input x: [2]", "E0129", "`input` cannot stand here"),
    ("train {\n  epochs: 20\n}", "E0122", "`:` gives a type, `=` a value"),
    ("train {\n  input x: [2]\n}", "E0129", "`input` cannot stand in `train`"),
    ("data {\n  x, target = csv()\n}", "E0110", "`target` is a reserved word and names nothing"),
    ("block b(n) on x { y = x }", "E0126", "this block returns nothing"),
    ("block b(n) on x {\n  return x\n  y = 3\n}", "E0126", "nothing is reached after `return`"),
    ("block b(n) on x {\n  return x\n  return x\n}", "E0126", "a block has one `return`"),
    ("block b(n) x { return x }", "E0114", "nothing joins `b(n)` and `x`"),
    ("fn f(x) x", "E0114", "`=` is missing before the value"),
    ("fn f(target = 3) = 2", "E0110", "`target` is a reserved word and names nothing"),
    ("import foo as bar", "E0125", "the file of an import stands in quotes"),
    ('import "foo"', "E0125", 'this statement is unfinished: `as` is missing after `"foo"`'),
    ("model {\n  input x: [2]\n\ntrain {\n  loss = x\n}\n", "E0108", "this `{` is never closed"),
    ("data { x = 1 } model { input x: [2] }", "E0111", "a statement begins on a line of its own"),
    ("let a = ((((", "E0108", "this `(` is never closed"),
    ("}", "E0109", "`}` closes nothing"),
    ("train\n  loss = a\n  epochs = 3\n}\nlet a = 1\n", "E0125", "`{` is missing after `train`"),
    ("model {\n  h = f(}a, b) -> g\n}\n", "E0109", "`}` closes nothing"),
    ('data {\n  x = [[1, "a], [f(2)]]\n}\n', "E0105", "this string is not closed"),
    ("model {\n  h = x -> for i in 1..2 {\n    f\n}\nlet a = 1\n", "E0108", "this `{` is never closed"),
]


@pytest.mark.parametrize(("text", "code", "message"), FILES, ids=[f[0][:20] for f in FILES])
def test_mistake_in_a_file(text: str, code: str, message: str) -> None:
    assert [(d.code, d.message) for d in findings(text)] == [(code, message)]


def test_all_independent_findings_in_order() -> None:
    text = (
        "data {\n  x = [1 2]\n  y = [[1]]\n}\nmodel {\n  inptu x: [2]\n  h = x -> if a then b else c\n"
        "  k = x ->\n  m = 'a'\n  output p = h -> f\n}\ntrain {\n  epochs: 3\n  loss = p\n"
    )
    file, found = parse(Source("t.net", text))
    assert [d.code for d in found] == ["E0113", "E0121", "E0118", "E0125", "E0104", "E0108", "E0122"]
    sections = [s for s in file.statements if isinstance(s, syntax.Data | syntax.Model | syntax.Train)]
    assert [len(section.body) for section in sections] == [1, 1, 1]


def test_a_misspelled_section_counts_as_the_one_it_resembles() -> None:
    file, _ = parse(Source("t.net", "modle {\n  input x: [2]\n}\n"))
    assert isinstance(file.statements[0], syntax.Model)


def test_many_findings_are_counted() -> None:
    found = findings("model {\n" + "  h = 'a'\n" * 50 + "}\n")
    assert len(found) == MOST_FINDINGS + 1
    assert found[-1].message == "30 more syntax errors are not shown"


# Decisions -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "h = a\n    + b\n    - c",
        "h = a +\n    b",
        "h =\n    a",
        "h = a\n    -> f\n    -> g as m",
        "h = a\n    -> f\n      as m",
        "h = x -> repeat 2\n  {\n    f\n    -> g\n  }",
        "h = if a\n    then b\n    else c",
        "h = x -> for i\n    in 1..2 { f(i) }",
        "h = f(\n    a\n    ,\n    b\n  )",
        "a,\n    b = x -> f",
        "h = x ->\n    f",
        "h = a-b",
        "h = [a, -b, -1]",
        "h = f(-1, x = -1)",
        "h = (-a)",
        "h = f(target = 3, model = 4, in = 5, if = 6)",
        "h = train.loss + data.model",
        "h = [for i in 1..n { x -> f(i) }]",
        "h = x -> for a, b in [[1, 2], [3, 4]] { f(a, b) }",
        "h = (if a then b else c) + 1",
        "h = [1, 2,]",
        "h = f (x)",
        "h = 25% + 3epochs",
    ],
)
def test_allowed(statement: str) -> None:
    value_of(statement)


def test_a_block_may_return_several_values() -> None:
    file, found = parse(Source("t.net", "block b() on x, y { return x -> f, y }"))
    assert not found
    (block,) = file.statements
    assert isinstance(block, syntax.Block)
    assert [value.span.text for value in block.returns] == ["x -> f", "y"]
    assert [name.text for name in block.inputs] == ["x", "y"]


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


def mutated(text: str, chance: random.Random) -> str:
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        at = chance.randrange(len(text) + 1)
        to = min(len(text), at + chance.choice([1, 1, 2, 5, 20]))
        match chance.randrange(5):
            case 0:
                text = text[:at] + text[to:]
            case 1:
                text = text[:at] + chance.choice(_PIECES) + text[at:]
            case 2:
                text = text[:at] + chance.choice(_PIECES) + text[to:]
            case 3:
                end = min(len(text), to + chance.choice([1, 4, 15]))
                text = text[:at] + text[to:end] + text[at:to] + text[end:]
            case _:
                text = text[:at] + text[at:to] * 2 + text[to:]
    return text


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_mutated_examples(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    chance = random.Random(path.stem)
    for _ in range(25):
        check_findings(mutated(text, chance))


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
