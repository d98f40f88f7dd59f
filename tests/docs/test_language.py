"""docs/language.md: every example does what the page says, and its lists are those of the code."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import numpy as np
import pytest

import gpubp
from dsl import limits
from dsl.catalog import REQUIRED
from dsl.tokens import KEYWORDS, WORDS
from gpubp.cli import main
from gpubp.frontend.catalog import TRAIN
from tools import language_docs
from tools.markdown import Block, blocks, code, commands, completed, run, table, tables, whole, write_files

PAGE = language_docs.PATH.read_text(encoding="utf-8")
BLOCKS = blocks(PAGE)
REFUSED = {
    command.words[2]
    for block in BLOCKS
    if block.kind == "console"
    for command in commands(block)
    if command.printed.startswith("error") and "--set" not in command.words
}
"""Files that a command of the page shows to be wrong."""

LIMITS = {
    "text of a file": limits.MAX_TEXT_BYTES,
    "text of all files that it imports": limits.MAX_IMPORT_BYTES,
    "imported files": limits.MAX_IMPORTS,
    "nesting of brackets": limits.NESTING,
    "depth of an expression, counting operators": limits.HEIGHT,
    "values that a file expands to": limits.MAX_NODES,
    "uses of blocks, formulas and layers, and loop iterations": limits.MAX_CALLS,
    "nesting of uses": limits.MAX_LEVELS,
    "nesting of expressions, through all uses": limits.MAX_NESTED,
    "items of lists": limits.MAX_ITEMS,
    "an integer": limits.MAX_WHOLE,
    "a size": limits.MAX_SIZE,
    "errors shown": limits.MAX_FINDINGS,
    "characters of a message": limits.LONGEST_WORDS,
}


@pytest.fixture(autouse=True)
def _in_a_folder_with_the_files_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(PAGE, tmp_path)
    monkeypatch.chdir(tmp_path)


def of(*kinds: str) -> list[Block]:
    return [block for block in BLOCKS if block.kind in kinds]


def test_every_block_is_of_a_kind_that_is_run() -> None:
    assert {block.kind for block in BLOCKS} == {"net", "console", "python", "pycon", "csv", "ebnf"}
    assert {block.detail for block in of("net") if not block.file} == {"", "model", "train"}


@pytest.mark.parametrize("block", [block for block in of("net") if block.file not in REFUSED], ids=str)
def test_an_example_is_sound(block: Block) -> None:
    net = gpubp.loads(whole(block), name="example.net")
    # A fragment is no whole experiment: it may leave its values to the reader.
    allowed = {"W0201", "W0204"} if block.detail == "model" else set()
    assert [found for found in net.warnings if found.code not in allowed] == []


@pytest.mark.parametrize(
    "block", [block for block in of("net") if "train {" in (file := whole(block)) and "data {" in file], ids=str
)
def test_an_example_trains(block: Block) -> None:
    file = block.file or "example.net"
    Path(file).write_text(whole(block), encoding="utf-8")
    assert main(["run", file, "--epochs", "1", "--device", "cpu"]) == 0


@pytest.mark.parametrize("block", of("console"), ids=str)
def test_a_command_prints_what_the_page_shows(block: Block) -> None:
    for command in commands(block):
        assert run(command, Path()) == command.printed


@pytest.mark.parametrize(
    ("file", "params"), [("search.net", {"width": 8, "act": "relu"}), ("main.net", {"parts.width": 32})]
)
def test_params_are_set_as_the_page_says(file: str, params: dict[str, object]) -> None:
    for name, value in params.items():
        assert f"`--set {name}={value}" in PAGE or f" --set {name}={value}" in PAGE
    assert gpubp.load(file, params).size != gpubp.load(file).size


def test_a_named_file_is_spoken_of() -> None:
    text = "".join(block.text for block in BLOCKS)
    for block in BLOCKS:
        assert not block.file or re.search(rf"(?<![\w.]){re.escape(block.file)}\b", text), block


@pytest.mark.parametrize(("written", "message"), table(PAGE, "mistake", "message"))
def test_a_mistake_is_answered_as_the_page_says(written: str, message: str) -> None:
    (statement,) = code(written)
    with pytest.raises(gpubp.NetError) as raised:
        gpubp.loads(completed(f"{statement}\n", "model"))
    assert [found.message for found in raised.value.diagnostics][:1] == [message]


def fits(statement: str) -> None:
    """Statements of a file, above a model that has no part in them."""
    gpubp.loads(f"{statement}\nmodel {{\n  input x: [8]\n  output p = x -> dense(1)\n}}\n")


@pytest.mark.parametrize("row", table(PAGE, "type", "meaning", "rows in `data`"), ids=lambda row: row[0])
def test_a_type_takes_the_rows_beside_it(row: tuple[str, str, str]) -> None:
    (type_, *_), (value, *_) = code(row[0]), code(row[2])
    model = "one_hot(x)" if "class" in type_ else "1 * x"
    text = f"data {{ x = [{value}] }}\nmodel {{\n  input x: {type_}\n  output p = {model}\n}}\n"
    Path("typed.net").write_text(text, encoding="utf-8")
    assert main(["check", "typed.net"]) == 0


@pytest.mark.parametrize("written", [one for row in table(PAGE, "syntax", "meaning") for one in code(row[0])])
def test_a_value_is_written_as_the_page_says(written: str) -> None:
    fits(f"let a = {written}")


EQUAL = [("6 / 2", "3"), ("7 / 2", "3.5"), ("25%", "0.25"), ("-a^2", "-(a^2)"), ("a^b^c", "a^(b^c)")]


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_what_the_page_says_is_equal_is(left: str, right: str) -> None:
    assert re.search(rf"`{re.escape(left)}`(?: is| \| a fraction,) `?{re.escape(right)}", PAGE)
    letters = {"a": "3", "b": "2", "c": "3"}
    values = [re.sub("[abc]", lambda match: letters[match[0]], side) for side in (left, right)]
    shown = [gpubp.loads(f"param v = {value}\nmodel {{\n  input x: [8]\n  output p = x\n}}\n") for value in values]
    assert shown[0].params == shown[1].params


BREAKS = [
    *(f"let a = 2 {sign}\n3" for sign in ("+", "-", "*", "/", "//", "^", "==", "<")),
    *(f"let a = 2\n{sign} 3" for sign in ("+", "-", "*", "/", "//", "^", "==", "<")),
    *("let a =\n2", "fn f(x) = x ->\nrelu", "fn f(x) = x\n-> relu", "fn f(x) = x -> relu\n-> tanh"),
    *("let a = [\n1\n,\n2\n]", "fn f(\nx\n) = x", 'import "parts.net"\nas parts', "param a = 1\nin [1, 2]"),
    *("block b()\non x { return x }", "block b() on x\n{ return x }", "block b() on x,\ny { return x + y }"),
    *("let a = if true\nthen 1\nelse 2", "fn f(x) = x -> repeat 2\n{ relu }"),
]


@pytest.mark.parametrize("statement", BREAKS)
def test_a_statement_goes_on_over_a_line_break(statement: str) -> None:
    fits(statement)


@pytest.mark.parametrize("statement", ["let a\n= 1", "let\na = 1", "fn f\n(x) = x", "let a = -\n1\n2"])
def test_a_statement_goes_on_nowhere_else(statement: str) -> None:
    with pytest.raises(gpubp.NetError):
        fits(statement)


@pytest.mark.parametrize("block", of("pycon"), ids=str)
def test_a_session_of_python_shows_what_the_page_shows(block: Block) -> None:
    session = doctest.DocTestParser().get_doctest(block.text, {}, str(block), None, block.line)
    assert session.examples
    assert doctest.DocTestRunner().run(session).failed == 0


def test_a_second_file_takes_the_state_of_a_run() -> None:
    (file,) = [whole(block) for block in of("net") if "output slope" in block.text]
    file = file.replace("image -> flatten", "image -> standardize -> flatten")
    trained = re.sub(r"  output (?:slope|worse|all).*\n", "", file).replace("input digit", "target digit")
    net = gpubp.loads(trained + "train {\n loss = cross_entropy(p, digit)\n optimizer = adam\n}\n")
    images, labels = np.random.default_rng(0).normal(3, 2, (40, 8, 8)), np.arange(40) % 10
    names = {"run": gpubp.train(net, "cpu", data={"image": images, "digit": labels}, epochs=1)}
    names |= {"executor": gpubp.Executor(gpubp.loads(file), "cpu"), "images": images, "labels": labels}
    (program,) = of("python")
    exec(program.text, names)
    outputs = names["executor"].predict({"image": images, "digit": labels})
    assert outputs["slope"].shape == (40, 8, 8)
    np.testing.assert_array_equal(outputs["p"], names["run"].predict(images))


def test_lines_are_short() -> None:
    assert [line for line in re.sub(r"```ebnf.*?```", "", PAGE, flags=re.DOTALL).splitlines() if len(line) > 120] == []


def test_the_keys_of_train() -> None:
    rows = table(PAGE, "key", "meaning", "default")
    keys = {code(key)[0]: default for key, _, default in rows}
    known = {option.name: option.default for option in TRAIN}
    assert set(keys) == set(known)
    for name, default in known.items():
        if default is None or default is REQUIRED:
            assert keys[name] in ("", "none")
        else:
            assert code(keys[name]) == [{"True": "true", "()": "[]"}.get(str(default), str(default))], name


def test_the_reserved_words() -> None:
    (sentence,) = re.findall(r"These words are reserved: (.*?)\. ", PAGE, re.DOTALL)
    assert code(sentence) == sorted(KEYWORDS | set(WORDS))


def test_the_limits() -> None:
    shown = dict(table(PAGE, "quantity", "limit"))
    assert set(shown) == set(LIMITS)
    for what, limit in LIMITS.items():
        power = re.fullmatch(r"2\^(\d+) - 1", shown[what])
        number, _, unit = shown[what].partition(" ")
        value = 2 ** int(power[1]) - 1 if power else int(number.replace(",", "")) * (1024 if unit == "KiB" else 1)
        assert value == limit, what
    known = [value for name, value in vars(limits).items() if name.isupper()]
    assert sorted(known) == sorted(LIMITS.values()), "a limit that the page does not state"


def test_the_page_is_up_to_date() -> None:
    assert language_docs.page() == PAGE, "run python -m tools.language_docs"


def test_the_grammar_is_that_of_the_parser() -> None:
    rules = set(re.findall(r"^(\w+): ", language_docs.grammar(), re.MULTILINE))
    assert set(re.findall(r"^[?_]*([a-z]\w*): ", language_docs.GRAMMAR.read_text(), re.MULTILINE)) <= rules
    used = set(re.findall(r"\b[A-Za-z]+\b", re.sub(r'"[^"]*"|/.*/', "", language_docs.grammar())))
    assert used <= rules


def test_every_section_is_in_the_list_at_the_top() -> None:
    heads = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    listed = re.findall(r"\[([^]]+)\]\(#([\w-]+)\)", PAGE.split("## ")[0])
    assert [title for title, _ in listed] == heads
    assert all(anchor == re.sub(r"[^\w ]", "", title).lower().replace(" ", "-") for title, anchor in listed)


def test_tables_have_as_many_cells_as_their_head() -> None:
    for head, rows in tables(PAGE):
        assert {len(row) for row in rows} == {len(head)}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (language_docs.PATH.parent / target).exists(), target
