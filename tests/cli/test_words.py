"""`gpubp words`: every word there is, how it is written, what it does, and the page that is made of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gpubp.frontend.catalog import TRAIN, catalog
from gpubp.registry import ENTRIES
from tools import word_docs

from .worlds import Call

WORDS = {name for signatures in catalog().entries.values() for name in signatures}


def test_the_list_has_every_word_and_key(call: Call) -> None:
    said = call("words")
    listed = set(re.findall(r"\w+", said.out))
    assert listed >= WORDS | {option.name for option in TRAIN}
    assert max(map(len, said.out.splitlines())) <= 100


def test_a_word_is_told_with_its_signature_its_shapes_its_source_and_its_options(call: Call) -> None:
    said = call("words", "dense").out
    assert said.startswith("layers: x -> dense(units, bias = true, init = glorot_uniform, bias_init = zeros)\n\n")
    assert "W: [in, units]" in said
    assert "Rumelhart, Hinton & Williams (1986)" in said
    assert "  units      a whole number, at least 1 (required)\n  bias       `true` or `false`\n" in said


def test_a_name_of_several_sections_is_told_of_each(call: Call) -> None:
    said = call("words", "normal").out
    assert re.findall(r"^(\w+): normal\(", said, re.MULTILINE) == ["functions", "initializers", "readers"]
    assert "Raises" not in said


def test_a_section_is_told_word_by_word(call: Call) -> None:
    said = call("words", "optimizers").out
    assert re.findall(r"^optimizers: (\w+)", said, re.MULTILINE) == sorted(catalog().entries["optimizer"])


def test_a_key_of_train_is_told_with_its_default_and_where_its_words_are(call: Call) -> None:
    assert call("words", "batch").out.startswith("train: batch = 32\n\nRows per mini-batch; if left out, all rows for")
    assert "`gpubp words schedules`" in call("words", "schedule").out
    assert call("words", "train").out.count("train: ") == len(TRAIN)
    assert all(option.doc for option in TRAIN)


def test_lines_of_a_signature_do_not_break_at_an_equals_sign(call: Call) -> None:
    said = call("words", "csv").out.split("\n\n")[0]
    assert "\n" in said
    assert not re.search(r"=$|^ *=", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("convv", "did you mean `conv`?"),
        ("optimizer_", "did you mean `optimizer`?"),
        ("mapminmax", "did you mean `standardize`?"),
        ("convolution2dLayer", "did you mean `conv`?"),
        ("learning_rate", "did you mean `lr`?"),
        ("", "`gpubp words` lists all"),
    ],
)
def test_a_word_that_there_is_not(name: str, more: str, call: Call) -> None:
    said = call("words", name)
    assert (said.code, said.out, said.err) == (2, "", f"error: there is no word `{name}`; {more}\n")


def test_an_option_is_told_with_the_words_that_have_it(call: Call) -> None:
    said = call("words", "patience")
    told = "error: `patience` is an option of `plateau` and `early_stop`; `gpubp words plateau` says what it does\n"
    assert (said.code, said.out, said.err) == (2, "", told)


def test_nothing_is_said_to_those_who_call_the_functions_in_python() -> None:
    assert "Raises" not in word_docs.page()


def test_the_page_is_what_the_functions_say() -> None:
    assert word_docs.PATH.read_text(encoding="utf-8") == word_docs.page(), "run python -m tools.word_docs"


def test_a_function_of_a_module_that_nobody_named_is_a_layer(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENTRIES, ("function", "mine_alone"), ENTRIES["function", "dense"])
    assert "mine_alone" in call("words").out.partition("activations")[0]


def test_a_message_names_it_where_no_word_comes_near(call: Call) -> None:
    Path("far.net").write_text("model {\n  input x: [2]\n  output p = x -> zzzz(3)\n}\n")
    assert "help: `gpubp words` lists what there is\n" in call("check", "far.net").err
