"""The README's words are those that there are, and its examples are sound."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsl.catalog import Part
from gpubp.frontend.catalog import TRAIN, TRAIN_LATER, catalog
from tools.markdown import Command, blocks, run

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks(README)
PARTS: tuple[Part, ...] = (
    *("function", "loss", "penalty", "metric", "optimizer", "schedule", "average", "rate", "clip"),
    *("initializer", "reader", "split", "stop", "start"),
)
WORDS = sorted({name for part in PARTS for name, entry in catalog().entries[part].items() if entry.available})


def test_there_are_words() -> None:
    assert len(WORDS) > 50


@pytest.mark.parametrize("name", WORDS)
def test_every_word_is_listed(name: str) -> None:
    assert re.search(rf"`{name.replace('xavier', 'glorot')}[`(]", README), f"the README does not list `{name}`"


@pytest.mark.parametrize("key", [option.name for option in TRAIN if option.name not in TRAIN_LATER])
def test_every_key_of_train_is_listed(key: str) -> None:
    assert f"`{key}`" in README


def test_the_first_example_is_the_model_that_ships() -> None:
    (example,) = [block.text for block in BLOCKS if block.kind == "net"]
    assert example == (Path(__file__).parents[2] / "models/xor.net").read_text(encoding="utf-8")


def test_the_mistake_is_answered_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = [block.text for block in BLOCKS if block.text.startswith("error[")]
    (example,) = [block.text for block in BLOCKS if block.kind == "net"]
    monkeypatch.chdir(tmp_path)
    Path("xor.net").write_text(example.replace("dense(8)", "dense(unit = 8)"), encoding="utf-8")
    assert run(Command(("gpubp", "check", "xor.net"), ""), Path()) == shown
