"""The README's words are those that there are, and its examples are sound."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gpubp
from gpubp.registry import ENTRIES

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
PARTS = ("function", "loss", "penalty", "metric", "optimizer", "initializer", "reader", "split")


@pytest.mark.parametrize(
    "name", sorted({name for (part, name), entry in ENTRIES.items() if part in PARTS and entry.available})
)
def test_every_word_is_listed(name: str) -> None:
    assert re.search(rf"`{name.replace('xavier', 'glorot')}[`(]", README), f"the README does not list `{name}`"


def test_the_first_example_is_the_model_that_ships() -> None:
    assert (Path(__file__).parents[2] / "models/xor.net").read_text(encoding="utf-8").strip() in README


def test_the_parts_of_the_language() -> None:
    block = README.split("each in one line:\n\n```\n")[1].split("```")[0]
    head, body = block.split("# in a model:\n")
    net = gpubp.loads(f"{head}\nmodel {{\ninput x: [8]\n{body}\noutput p = y2 -> dense(1)\n}}\n")
    assert net.outputs == {"p": (1,)}
