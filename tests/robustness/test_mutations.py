"""Four thousand damaged files: each is answered with findings that can be shown. `make soak` tries a million."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

import gpubp
from dsl.diagnostics import Diagnostic, Label
from dsl.source import Source, Span

from . import judge, soak
from .generated import generated
from .mutations import KINDS, mutated

CASES = 4_000
SHARDS = 4
"""Tests that the cases are divided among, for pytest to run beside each other."""


@pytest.mark.parametrize("shard", range(SHARDS))
def test_damaged_files(shard: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge.world(tmp_path)
    monkeypatch.chdir(tmp_path)
    size = CASES // SHARDS
    found = soak.chunk(shard * size, (shard + 1) * size, float("inf"))
    assert not found.failures, found.failures[0]


def test_processes_judge_every_case_once_and_in_order() -> None:
    found = list(soak.judged(40, 3 * soak.CHUNK // 2, 2))
    assert [(one.first, one.last) for one in found] == [
        (40, 40 + soak.CHUNK),
        (40 + soak.CHUNK, 40 + 3 * soak.CHUNK // 2),
    ]
    assert not [failure for one in found for failure in one.failures]
    assert all(len(one.slowest) == soak.SLOWEST for one in found)


def test_generated_files_are_valid() -> None:
    for i in range(40):
        gpubp.loads(generated(Random(i)))


def test_every_kind_of_damage_changes_texts() -> None:
    texts = judge.model_texts()
    for kind in KINDS:
        assert sum(kind(texts[i % len(texts)], texts, Random(i)) != texts[i % len(texts)] for i in range(20)) >= 5, kind


def test_a_number_is_always_the_same_case() -> None:
    assert soak.case(12345) == soak.case(12345)
    assert len({soak.case(number)[0] for number in range(200)}) > 190


def test_the_judge_sees_what_must_not_happen() -> None:
    def crashes(text: str) -> str:
        return "raised KeyError: 'x'" if "repeat" in text else ""

    text = next(text for i in range(100) if "repeat" in (text := mutated(judge.model_texts(), Random(i))))
    assert soak.verdict(text, crashes, slow=9.0)[0]
    assert soak.smallest(text, lambda shorter: bool(crashes(shorter))) == "repeat"


def test_the_judge_reads_every_word() -> None:
    source = Source("m.net", "let a = 1\n")
    sound = Span(source, 4, 5)
    assert not judge.fault([Diagnostic("E0201", "there is no value `a`", sound, help=("write one",))])
    for wrong in (
        Diagnostic("E0901", "no such code", sound),
        Diagnostic("W0201", "a warning's code on an error", sound),
        Diagnostic("E0201", "Starts large", sound),
        Diagnostic("E0201", "ends with a stop.", sound),
        Diagnostic("E0201", "", sound),
        Diagnostic("E0201", "outside", Span(source, 4, 99)),
        Diagnostic("E0201", "outside", sound, labels=(Label(Span(source, 5, 4), ""),)),
        Diagnostic("E0201", "speaks of <dsl.graph.Node object at 0x7f>", sound),
        Diagnostic("E0201", "fine", sound, help=("",)),
    ):
        assert judge.fault([wrong]), wrong
