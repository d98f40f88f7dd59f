"""What other tools write, and the remedy in the words of the language."""

from __future__ import annotations

import pytest

from dsl.diagnostics import Diagnostic
from dsl.foreign import if_as_statement, sequential
from dsl.parse import parse
from dsl.source import Source


def helps(line: str) -> str:
    """The help of the only finding in a model that holds the line."""
    _, found = parse(Source("t.net", f"model {{\n  input x: [2]\n  {line}\n  output p = x\n}}\n"))
    (finding,) = found
    return "\n".join(finding.help)


@pytest.mark.parametrize(
    ("written", "pipe"),
    [
        ('Sequential([Dense(8, activation="relu"), Dense(1)])', "x -> dense(8) -> relu -> dense(1)"),
        ("keras.Sequential([layers.Input(4), layers.Flatten(), layers.Dense(2)])", "x -> flatten -> dense(2)"),
        ("Sequential([\n  Dense(8, activation='tanh'),\n  Dropout(0.2),\n])", "x -> dense(8) -> tanh -> dropout(0.2)"),
        ("nn.Sequential(nn.ReLU(), nn.LayerNorm(8))", "x -> relu -> layer_norm(8)"),
        ("Sequential([])", ""),
        ("build()", ""),
    ],
)
def test_a_model_of_keras_is_a_pipe(written: str, pipe: str) -> None:
    assert sequential(f" {written}") == pipe


def test_the_pipe_is_in_the_help() -> None:
    _, found = parse(Source("t.net", 'model = Sequential([Dense(8, activation="relu"), Dense(1)])\n'))
    assert found[0].code == "E0122"
    assert "`output p = x -> dense(8) -> relu -> dense(1)`" in found[0].help[1]


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("for i in 1..3 { x = x -> dense(8) }", "`h = x -> for i in 1..3 { dense(8) }`"),
        ("for i in 1..3 {\n    y = x -> dense(8) -> relu\n  }", "`h = x -> for i in 1..3 { dense(8) -> relu }`"),
        ("for i in range(3):\n    x = x -> dense(i)", "`h = x -> for i in 1..3 { dense(i) }`"),
        ("repeat 3 { x = x -> dense(8) }", "`h = x -> repeat 3 { dense(8) }`"),
        ("for i in 1..3 { f = concat(f, x) }", "`x -> repeat n { grow }`"),
        ("for i in 1..3 { a = x -> f\n    x = a -> g }", "`x -> repeat n { grow }`"),
    ],
)
def test_a_loop_as_a_statement_is_a_stage(written: str, remedy: str) -> None:
    assert remedy in helps(written)


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("if n == 1 { h = x -> relu } else { h = x }", "h = if n == 1 then x -> relu else x"),
        ("if n == 1 {\n    h = x -> relu\n  } else {\n    h = x\n  }", "h = if n == 1 then x -> relu else x"),
        ("if n == 1:\n    h = a\n  else:\n    h = b", "h = if n == 1 then a else b"),
        (
            "if n == 1 { h = a }\n  else if n == 2 { h = b }\n  else { h = c }",
            "h = if n == 1 then a else if n == 2 then b else c",
        ),
        (
            "if n == 1:\n    h = a\n  elif n == 2:\n    h = b\n  else:\n    h = c",
            "h = if n == 1 then a else if n == 2 then b else c",
        ),
        ("if n == 1 { h = a } else { g = b }", ""),
        ("if n == 1 { h = a }", ""),
    ],
)
def test_an_if_as_a_statement_is_a_value(written: str, remedy: str) -> None:
    assert if_as_statement(written) == remedy


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("h = f { n = 1 }", "`f(n = 1)`"),
        ("h = x -> [f, g(1, 2), k]", "`f -> g(1, 2) -> k`"),
        ("= 3", "`h = ...`"),
        ("größe = x", "`grosse`"),
        ("λ = x", "`lambda`"),
        ("naïve = x", "`naive`"),
        ("h = 1.2.3", "`1.2`"),
        ('h = f("a\\b.csv")', '`"a/b.csv"`'),
        ('h = f("a.csv)', '`"a.csv"`'),
    ],
)
def test_the_remedy_is_written_out(line: str, remedy: str) -> None:
    assert remedy in helps(line)


@pytest.mark.parametrize("text", ["for i in 1..3 { x = x -> ", "if a { h = ", "if a:", "model = Sequential([f("])
def test_long_texts_take_no_long_time(text: str) -> None:
    """Each pattern goes over a text once: 20,000 blanks would else be a matter of minutes."""
    for filler in (" ", "(", "a", "a.", "\n", "{"):
        parse(Source("t.net", f"model {{\n  {text}{filler * 20_000}?"))
        parse(Source("t.net", f"{text}{filler * 20_000}?"))


def test_a_list_of_yaml_is_a_pipe() -> None:
    _, found = parse(Source("t.net", "model {\n  - dense: 8\n}\n"))
    assert [finding.message for finding in found] == ["`-` does not start a statement"]
    assert "`h = x -> dense(8) -> relu`" in found[0].help[0]


def test_all_missing_commas_of_a_list_are_shown() -> None:
    _, found = parse(Source("t.net", "data {\n  x = [[0 1], [2 3], [4 5]]\n}\n"))
    (finding,) = found
    assert finding.code == "E0113"
    assert [label.span.text for label in finding.labels] == ["3", "5"]


def test_calls_and_pipes_alone_are_a_mistake_each() -> None:
    def codes(body: str) -> list[str]:
        found: list[Diagnostic] = parse(Source("t.net", f"model {{\n  input x: [2]\n{body}  output p = x\n}}\n"))[1]
        return [finding.code for finding in found]

    assert codes("  dense(8)\n  x -> relu\n") == ["E0125", "E0125"]
    assert codes("  dense(8)\n  dense(1)\n") == ["E0125", "E0125"]
    assert codes("  h = x\n    dense(8)\n") == ["E0111"]


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("weight W = [4, 8]", "`W = weight([4, 8])`"),
        ("weight W: [n, 8]", "`W = weight([n, 8])`"),
        ("parameter scale = ones([3])", "`scale = weight([3])`"),
        ("bias b = 0", "`b = weight([2, 3])`"),
        ("param W = [4, 8]", "`W = weight([4, 8])`"),
        ("tensor W", "`W = weight([2, 3])`"),
    ],
)
def test_a_weight_that_is_declared_is_a_value(written: str, remedy: str) -> None:
    assert remedy in helps(written)


@pytest.mark.parametrize("section", ["model", "block b() on x", "train", ""])
def test_a_weight_is_declared_nowhere(section: str) -> None:
    """The remedy says where it stands; in a block it is fresh for each use."""
    line = "weight W = [2, 3]"
    inside = f"{line}\n  return x" if section.startswith("block") else line
    _, found = parse(Source("t.net", f"{section} {{\n  {inside}\n}}\n" if section else f"{line}\n"))
    (finding,) = [one for one in found if one.code == "E0121"]
    assert finding.message == "there is no statement `weight`"
    where = ", in `model`" if section in ("train", "") else ""
    assert finding.help[0].startswith(f"a weight by itself is a value{where}: `W = weight([2, 3])`; ")


def test_a_number_to_vary_is_no_weight() -> None:
    assert "weight" not in helps("param width = 8")
