"""What is wrong with a file is found, named and placed; what is allowed is not."""

from __future__ import annotations

import pytest

from dsl import syntax
from dsl.parse import MAX_FINDINGS, parse
from dsl.source import Source

from .texts import findings, value_of

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
    (
        "h = dense(?)",
        "E0115",
        "?",
        "`?` is only allowed in types",
        "name the size: `target y: class(?k)`, then `dense(k)`",
    ),
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
    ("h: 20", "E0122", ":", "`:` declares a type, `=` assigns a value", "`h = ...`"),
    ("h = f(a: 3)", "E0122", ":", "`:` declares a type, `=` assigns a value", "`a = ...`"),
    ("input y = [3]", "E0122", "=", "`input` takes a type, after `:`", "`input y: [2]`"),
    ("h = if a = 3 then x else y", "E0122", "=", "`=` gives a value; it does not compare", "`==`"),
    ("h += 2", "E0122", "+=", "there is no `+=`: a name is assigned once", ""),
    ("h = x dense(8)", "E0114", "dense", "nothing joins `x` and `dense`", "`x -> dense(8)`"),
    ("h = x -> dense(8) tanh", "E0114", "tanh", "nothing joins `dense(8)` and `tanh`", "`dense(8) -> tanh`"),
    ("output p 3", "E0114", "3", "`=` is missing before the value", ""),
    ("h = [1, 2 3]", "E0113", "3", "a comma is missing between two values", ""),
    ("h = [[1] [2]]", "E0113", "[", "a comma is missing between two values", ""),
    ("h = 2(x)", "E0114", "(", "`2` cannot be called", "`*`"),
    (
        "h = a\n  dense(8)",
        "E0111",
        "dense",
        "this line neither starts a statement nor continues the one above",
        "`-> dense`",
    ),
    ("h = if a then\n    b else c", "E0111", "then", "a line does not end with `then`", "before `then`"),
    ("h = x -> f(8", "E0108", "(", "this `(` is never closed", ""),
    ("h = x -> f(8]", "E0108", "]", "`(` is closed by `]`", ""),
    ("h = x -> f(8))", "E0109", ")", "`)` closes nothing", "delete"),
    ("h = (1, 2)", "E0123", "(1, 2)", "there are no tuples: parentheses only group", "`[ ]`"),
    ("h = f(a = 1, 2], b = 3)", "E0109", "]", "`]` closes nothing", "delete it, or open it: `[1, 2]`"),
    ("h = f(g(1], 3)", "E0108", "]", "`(` is closed by `]`", ""),
    ("h = x -> f > g", "E0117", ">", "a pipe cannot be followed by `>`", "a value is passed on with `->`"),
    ("h = a + 3 b", "E0114", "b", "nothing joins `3` and `b`", "a product is written with `*`: `3 * b`"),
    ("h = x -> f(3.)", "E0107", "3.", "a number does not end with a dot", "`3.0`"),
    ("h = = 3", "E0122", "= =", "one `=` gives a value", "keep one: `=`"),
    ("h := 3", "E0122", ":=", "a value is given with `=` alone", "write `=`"),
    ("input y:: [2]", "E0122", "::", "one `:` declares a type", "keep one: `:`"),
    ("output h == 3", "E0125", "==", "`==` has no place here", "write `=`"),
    ("h = x -> for i an [1, 2] { f(i) }", "E0114", "an", "nothing joins `i` and `an`", "did you mean `in`?"),
    ("h = x ~> f", "E0104", "~>", "`~>` has no meaning here", "a value is passed on with `->`"),
    ("h = 1, 2", "E0123", ",", "a statement gives one value", "`[a, b]`"),
    ("h = 1..3", "E0124", "..", "`..` is only allowed after `in`", ""),
    ("h = x -> repeat 2 { f as g }", "E0120", "as g", "`as` cannot be used in a loop: it would name many values", ""),
    ("h = x -> repeat 2 { f } as g", "E0120", "as", "`as` names a stage, not a loop", "a statement of its own"),
    ("layer l = f as g -> h", "E0120", "as g", "`as` cannot be used in a layer", ""),
    (
        "h = [for i in 1..2 { x -> f as g }]",
        "E0120",
        "as g",
        "`as` cannot be used in a loop: it would name many values",
        "",
    ),
    ("h = a and b", "E0127", "and", "the language has no `and`", "`if a then b else false`"),
    ("h = f(not a)", "E0127", "not", "the language has no `not`", ""),
    ("h = a < b < c", "E0128", "<", "comparisons do not chain", ""),
    ("input = x -> f", "E0110", "input", "`input` is a reserved word and cannot be a name", "`input_`"),
    ("data = x", "E0110", "data", "`data` is a reserved word and cannot be a name", ""),
    ("h = x -> data", "E0110", "data", "`data` is a reserved word and cannot be a name", ""),
    ("pi = 3", "E0110", "pi", "`pi` is a reserved word and cannot be a name", ""),
    ("let c = 3", "E0129", "let", "`let` is not allowed in `model`", "`name = ...`"),
    ("loss", "E0125", "loss", "`loss` alone is not a statement", "`loss = ...`"),
    ("hidden-1 = f(x)", "E0125", "-", "`-` has no place here", "write `hidden_1`: names consist of the letters"),
    ("output last layer = x", "E0125", "layer", "`layer` has no place here", "write `last_layer`: names consist of"),
    ("1st = f(x)", "E0125", "1st", "`1st` has no place here", "write `_1st`: names consist of the letters a to z"),
    ("dense(3)", "E0125", "dense", "a call alone is not a statement", "`h = x -> dense(...)`"),
    ("x -> dense(3)", "E0125", "->", "a pipe alone is not a statement", "`h = x -> ...`"),
    ("h =", "E0125", "=", "a value is missing after `=`", ""),
    ("h = x ->", "E0125", "->", "`->` leads nowhere", ""),
    ("h = x -> -> f", "E0125", "-> ->", "a stage is missing between two `->`", "keep one: `->`"),
    ("h = a *", "E0125", "*", "`*` has nothing after it", ""),
    ("h = [1, , 2]", "E0125", ", ,", "a value is missing between two `,`", "keep one: `,`"),
    ("h = [, 2]", "E0125", ",", "a value is missing before `,`", "delete it"),
    ("h = f(1; 2)", "E0104", ";", "`;` does not separate items", "write `,`"),
    ("h 3", "E0114", "3", "`=` is missing before the value", "`h = 3`"),
    ("h [1, 2]", "E0114", "[", "`=` is missing before the value", "`h = [1, 2]`"),
    ("h = x -> dense 8)", "E0109", ")", "`)` closes nothing", "open it: `dense(8)`"),
    ("h = x -> repeat 2 f(3) -> g }", "E0109", "}", "`}` closes nothing", "open it: `repeat 2 { f(3) -> g }`"),
    ("h = x -> for n in [1, 2] f(n) } -> g", "E0109", "}", "`}` closes nothing", "`for n in [1, 2] { f(n) }`"),
    ("h = [1], [2]]", "E0109", "]", "`]` closes nothing", "delete it, or open it: `[[1], [2]]`"),
    ("h = [1, 2]]", "E0109", "]", "`]` closes nothing", "delete it"),
    ('h = f(a/b.csv", k = "c")', "E0105", 'a/b.csv"', "this string has no quote before it", '`"a/b.csv"`'),
    ("h = f(\n    2\n  ) g", "E0114", "g", "nothing joins `f(...)` and `g`", "`f(...) -> g`"),
    ("h = if a then b", "E0125", "if", "this `if` has no `else`", ""),
    ("h = {a = 3}", "E0125", "{", "braces hold no values: there are no dictionaries", "`[ ]`"),
    ("h = x -> (f)", "E0125", "(", "`->` leads to no stage", ""),
    ("h = x -> repeat { f }", "E0125", "repeat", "`repeat` lacks a count", ""),
    ("h = x - > f", "E0125", "- >", "`- >` is not an arrow", "`->`"),
    ("inptu y: [3]", "E0121", "inptu", "there is no statement `inptu`", "`input`"),
    ("h = 3 k = 4", "E0111", "k", "a statement starts on a new line", ""),
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
    ("  # nothing\n", "E0101", "the file holds comments only"),
    ("# a.net\rmodel {\r  input x: [2]\r}\r", "E0104", "the lines end with carriage returns alone"),
    ("model {\r  input x: [2]\r  output p = x\r}", "E0104", "the lines end with carriage returns alone"),
    ("modle {\n  input x: [2]\n}\n", "E0121", "there is no section `modle`"),
    ("layers {\n  input x: [2]\n}\n", "E0121", "there is no section `layers`"),
    ("parm lr = 3", "E0121", "there is no statement `parm`"),
    ("h = x", "E0129", "`h` is outside all sections"),
    ("input x: [2]", "E0129", "`input` is not allowed here"),
    ("train {\n  epochs: 20\n}", "E0122", "`:` declares a type, `=` assigns a value"),
    ("train {\n  input x: [2]\n}", "E0129", "`input` is not allowed in `train`"),
    ("data {\n  x, target = csv()\n}", "E0110", "`target` is a reserved word and cannot be a name"),
    ("block b(n) on x { y = x }", "E0126", "this block returns nothing"),
    ("block b(n) on x {\n  return x\n  y = 3\n}", "E0126", "nothing is reached after `return`"),
    ("block b(n) on x {\n  return x\n  return x\n}", "E0126", "a block has one `return`"),
    ("block b(n) x { return x }", "E0114", "nothing joins `b(n)` and `x`"),
    ("block b() oon x { return x }", "E0114", "nothing joins `b()` and `oon`"),
    ("let a = f(1, k = 1, 2],\n  b = 3)\n", "E0109", "`]` closes nothing"),
    ("fn f(x) x", "E0114", "`=` is missing before the value"),
    ("fn f(target = 3) = 2", "E0110", "`target` is a reserved word and cannot be a name"),
    ("import foo as bar", "E0125", "an import names a file, in quotes"),
    ('import "foo"', "E0125", "this import has no name"),
    ("model {\n  input x: [2]\n\ntrain {\n  loss = x\n}\n", "E0108", "this `{` is never closed"),
    ("data { x = 1 } model { input x: [2] }", "E0111", "a statement starts on a new line"),
    ("let a = ((((", "E0108", "this `(` is never closed"),
    ("}", "E0109", "`}` closes nothing"),
    (
        "block b() on x\n  h = x -> f\n  return h\n}\nlet a = 1\n",
        "E0125",
        "`{` is missing after `block b() on x`",
    ),
    ("train {\n  loss = a\n  optimizer adam(0.1)\n}\n", "E0114", "`=` is missing before the value"),
    ("train {\n  loss = a\n  = 3\n}\n", "E0122", "`=` has no name before it"),
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
    assert [len(section.body) for section in sections] == [1, 2, 1]  # `m` is read as a string


def test_a_misspelled_section_counts_as_the_one_it_resembles() -> None:
    file, _ = parse(Source("t.net", "modle {\n  input x: [2]\n}\n"))
    assert isinstance(file.statements[0], syntax.Model)


def test_many_findings_are_counted() -> None:
    found = findings("model {\n" + "  h = 1 2\n" * 50 + "}\n")
    assert len(found) == MAX_FINDINGS + 1
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
