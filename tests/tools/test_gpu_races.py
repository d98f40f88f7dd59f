"""What is read from compute-sanitizer, which a script stands in for: a race in a kernel of ours, none, one that the
tool does not see, and a tool that does not come to its end."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tools import gpu_races
from tools.gpu_races import FLAWLESS, KERNELS, PLANTED, SAYS, TEXT, main

PLANTED_RACE = """
========= COMPUTE-SANITIZER
========= Error: Race reported between Write access at train_planted_race+0x60
=========     and Read access at train_planted_race+0xa0 [62 hazards]
=========
"""
RACE = """========= Error: Race reported between Write access at train_block(char *, Tables<19>, long *)+0x4b0
=========     and Read access at train_block(char *, Tables<19>, long *)+0x7d0 [96 hazards]
=========
========= Warning: Race reported between Read access at 0x570 in measure_0_to_9
=========     and Write access at 0x4f0 in measure_0_to_9 [4 hazards]
=========
"""
BARRIER = """========= COMPUTE-SANITIZER
========= Barrier error detected. Divergent thread(s) in block
=========     at train_block+0x210
=========     by thread (32,0,0) in block (0,0,0)
"""
PLANTED_BARRIER = BARRIER.replace("train_block", "train_planted_barrier")
RACES_END = "========= RACECHECK SUMMARY: 3 hazards displayed (2 errors, 1 warning)\n"
END = "========= ERROR SUMMARY: 33 errors\n"


def claims(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **said: str) -> list[str]:
    """What is claimed where each tool says so."""
    for tool, text in said.items():
        (folder / tool).write_text(text, "utf-8")
    script = folder / "compute-sanitizer"
    script.write_text(f'#!/bin/sh\n[ "$1" = --tool ] && cat "{folder}/$2"\n', "utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    code = main(["--seconds", "20"])
    out = capsys.readouterr().out
    for text in said.values():
        assert text in out, "the log has the whole report"
    found = [line for line in out.splitlines() if line.startswith("claim: ")]
    assert code == (0 if all(line.endswith(", met") for line in found) else 1)
    return [line.removeprefix(f"claim: {says}: ") for line, says in zip(found, SAYS.values(), strict=True)]


@pytest.mark.parametrize(
    ("races", "barriers", "wanted"),
    [
        (PLANTED_RACE + RACES_END, PLANTED_BARRIER + END, ["0 found, met"] * 2),
        (
            PLANTED_RACE + RACE + RACES_END,
            PLANTED_BARRIER + END,
            ["1 in train_block, 1 in measure_0_to_9, missed", "0 found, met"],
        ),
        (PLANTED_RACE + RACES_END, BARRIER + PLANTED_BARRIER + END, ["0 found, met", "1 in train_block, missed"]),
        (
            PLANTED_RACE + RACE + RACE.replace("train_block", FLAWLESS).replace("measure_0_to_9", FLAWLESS) + RACES_END,
            PLANTED_BARRIER + END,
            ["1 in train_block, 1 in measure_0_to_9, but also 2 where there is none, not measured", "0 found, met"],
        ),
        (RACES_END, END, ["it does not find the planted one either, not measured"] * 2),
        (PLANTED_RACE, PLANTED_BARRIER, ["it did not come to its end, not measured"] * 2),
    ],
    ids=["none", "races", "a barrier", "races anywhere", "blind", "dead"],
)
def test_what_the_tools_found(
    races: str,
    barriers: str,
    wanted: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert claims(tmp_path, monkeypatch, capsys, racecheck=races, synccheck=barriers) == wanted


def test_a_tool_that_hangs_is_ended() -> None:
    assert gpu_races.ran(("sleep", "600"), 0.1) is None
    assert gpu_races.verdict("racecheck", None) == ("it took too long", "not measured")


def test_without_the_tool_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(gpu_races, "PLACES", ())
    assert main() == 0
    out = capsys.readouterr().out
    assert "compute-sanitizer is not on this machine" in out
    assert out.count(": , not measured\n") == 2


def test_the_tool_of_the_wheel_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel, machine = tmp_path / "nvidia" / "cu13" / "bin", tmp_path / "bin"
    for folder in (wheel, machine):
        folder.mkdir(parents=True)
        (folder / "compute-sanitizer").touch(0o755)
    monkeypatch.setenv("PATH", str(machine))
    monkeypatch.setattr(gpu_races, "find_spec", lambda name: None)
    assert gpu_races.find_tool() == str(machine / "compute-sanitizer")
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(machine))
    monkeypatch.syspath_prepend(tmp_path)
    assert gpu_races.find_tool() == str(wheel / "compute-sanitizer")


def test_the_tools_look_at_our_kernels_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """And at those with the planted faults, and the one without."""
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(gpu_races, "find_tool", lambda: "compute-sanitizer")
    monkeypatch.setattr(gpu_races, "ran", lambda words, seconds: asked.append(words))
    assert main() == 1
    assert [words[2] for words in asked] == [*SAYS]
    for words in asked:
        assert words[3:5] == ("--kernel-name", f"regex={KERNELS}")
        assert words[-5:] == (sys.executable, "-m", "tools.gpu_races", "--work", words[2])
    names = re.findall(r"__global__ void (\w+)", TEXT)
    assert names == [FLAWLESS, *PLANTED.values()]
    assert all(re.match(KERNELS, name) for name in names)
