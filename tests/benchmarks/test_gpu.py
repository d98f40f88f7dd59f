"""The benchmark on a GPU: who is missing, fails, hangs, crashes or computes something else costs the others nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import gpu
from benchmarks.gpu_cases import CASES, CLAIMS, MLP, XOR, Case, Claim, materials, text
from benchmarks.gpu_ways import WAYS, gpubp_way
from benchmarks.workers import Process


def test_what_goes_wrong_costs_the_others_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ways = ("gpubp", "slow", "missing", "fails", "crashes", "departs")
    monkeypatch.setattr(gpu, "WORKER", "tests.benchmarks.odd_ways")
    monkeypatch.setattr(gpu, "WAYS", dict.fromkeys(ways))
    monkeypatch.setattr(gpu, "CASES", (XOR, MLP))
    monkeypatch.setattr(gpu, "CLAIMS", (Claim(XOR.name, 4.0, ("slow", "missing")), Claim(XOR.name, 1.0)))
    monkeypatch.setattr(sys, "argv", ["gpu", "--json", str(tmp_path / "found.json")])
    assert gpu.main() == 0
    found = json.loads((tmp_path / "found.json").read_text("utf-8"))
    for case in (XOR, MLP):
        one = found["cases"][case.name]
        assert {way: set(us) for way, us in one["us"].items()} == {"gpubp": {1000.0}, "slow": {4000.0}}
        assert one["failed"]["missing"] == "not there: no module named missing"
        assert one["failed"]["fails"] == "RuntimeError: cannot; compile"
        assert one["failed"]["crashes"] == "the process ended with 11: out of luck"
        assert one["failed"]["departs"] == "its first losses depart by 2.0e-02"
    assert [verdict for *_, verdict in found["claims"]] == ["met", "missed"]
    assert "XOR 2-8-1 at 4: at most 1 us a step" in capsys.readouterr().out


def test_who_takes_too_long_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "WAYS", {"gpubp": None})
    monkeypatch.setattr(gpu, "PATIENCE", 0.0)
    bench, begun = gpu.Bench("cpu"), []
    monkeypatch.setattr(gpu, "WORKER", "tests.benchmarks.odd_ways")
    monkeypatch.setattr(gpu, "Process", lambda *words: begun.append(Process(*words)) or begun[-1])
    for _ in range(2):
        found = bench.measure(XOR)
        # Where it had begun in no time, it is its net that is late.
        assert found["failed"]["gpubp"].endswith("no answer within 0 s")
        assert not found["us"]
    assert len(begun) == 1
    bench.close()


def test_claims() -> None:
    cases = {XOR.name: {"us": {"gpubp": [1.0, 2.0, 1.5], "torch eager": [100.0, 90.0, 150.0]}}}
    assert gpu.judged(Claim(XOR.name, 2.0), cases) == ("XOR 2-8-1 at 4: at most 2 us a step", "1.50 us", "met")
    said, figure, verdict = gpu.judged(Claim(XOR.name, 101.0, ("torch eager",)), cases)
    assert (said, figure) == ("XOR 2-8-1 at 4: at least 101 times as fast as torch eager", "100.00 times")
    assert verdict == "missed"
    both = {XOR.name: {"us": {"gpubp": [1.0], "a": [3.0], "b": [2.0]}}}
    assert gpu.judged(Claim(XOR.name, 2.5, ("a", "b")), both)[2] == "missed", "the quicker of two"
    for nobody in ({}, {XOR.name: {"us": {"gpubp": [1.0]}}}, {XOR.name: {"us": {"a": [1.0]}}}):
        assert gpu.judged(Claim(XOR.name, 2.0, ("a",)), nobody)[1:] == ("", "not measured")


def test_every_claim_is_of_a_net_and_of_ways_that_are_there() -> None:
    assert {claim.case for claim in CLAIMS} == {case.name for case in CASES}
    assert {peer for claim in CLAIMS for peer in claim.peers} <= WAYS.keys()


@pytest.mark.parametrize("case", [XOR, Case("images", (12, 5, 3), 4, filters=(3,), side=4)], ids=lambda c: c.name)
def test_gpubp_itself(case: Case) -> None:
    way = gpubp_way(case, materials(case), "cpu")
    first = way.step()
    assert way.run(40) == 40
    assert way.step() < first, text(case)
