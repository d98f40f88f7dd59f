"""`search --jobs`: several trials at a time, each in a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .test_search import net, trials
from .worlds import Call, process

SEARCH = [sys.executable, "-m", "gpubp", "search", "a.net", "--trials", "500", "--out", "s", "--jobs", "2"]


def begun(tmp_path: Path) -> subprocess.Popen[str]:
    """A search whose first trial is done."""
    found = subprocess.Popen(
        SEARCH, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert found.stdout is not None
    if not any(line.startswith("trial ") for line in found.stdout):
        raise AssertionError(found.communicate(timeout=60)[1])
    return found


def alive(group: int) -> bool:
    """Whether a process of the group is left, one that is no more than unburied left out."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, pgrp = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(pgrp) == group and state != "Z":
            return True
    return False


def test_the_trials_are_those_of_one_at_a_time(call: Call, tmp_path: Path) -> None:
    net(tmp_path)
    assert call("search", "a.net", "--trials", "4", "--device", "cpu", "--out", "one").code == 0
    said = process("search", tmp_path / "a.net", "--trials", "4", "--out", tmp_path / "two", "--jobs", "2")
    assert said.code == 0, said.err
    found = sorted(trials(tmp_path / "two"), key=lambda trial: trial["number"])
    assert found == trials(tmp_path / "one")
    assert said.out.count("trial ") == 5  # with the head of the table


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR2])
def test_a_signal_to_all_processes_keeps_what_is_done(tmp_path: Path, number: signal.Signals) -> None:
    """As a terminal sends it, and a batch scheduler."""
    net(tmp_path)
    search = begun(tmp_path)
    os.killpg(search.pid, number)
    _, err = search.communicate(timeout=60)
    assert search.returncode == (-number if number == signal.SIGINT else 128 + number), err
    told, last = err.strip().splitlines()
    assert "stopping; finished trials are saved" in told
    assert last.endswith("`gpubp search --resume s` continues")


def test_its_processes_end_with_it_however_it_ends(tmp_path: Path) -> None:
    net(tmp_path)
    search = begun(tmp_path)
    assert alive(search.pid)
    search.kill()
    search.communicate(timeout=60)
    for _ in range(600):
        if not alive(search.pid):
            return
        time.sleep(0.1)
    raise AssertionError("a process of the search is left")


def test_a_process_that_is_killed_is_told_and_the_search_goes_on(tmp_path: Path) -> None:
    net(tmp_path)
    search = begun(tmp_path)
    made = [path for path in Path("/proc").glob("[0-9]*") if is_trials(path, search.pid)]
    assert len(made) == 2
    os.kill(int(made[0].name), signal.SIGKILL)
    _, err = search.communicate(timeout=60)
    told = "a process of the search was killed; fewer `--jobs` take less, and `--resume` continues"
    assert (search.returncode, err) == (1, f"error: not enough memory: {told}\n")
    more = str(len(trials(tmp_path / "s")) + 3)
    assert process("search", "--resume", str(tmp_path / "s"), "--trials", more, "--jobs", "2").code == 0
    found = trials(tmp_path / "s")
    assert sorted(trial["number"] for trial in found) == [*range(1, len(found) + 1)]
    assert len(found) >= int(more)


def is_trials(path: Path, parent: int) -> bool:
    """Whether this is a process that makes trials for a search."""
    try:
        its = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        return its == parent and b"spawn_main" in (path / "cmdline").read_bytes()
    except OSError:
        return False


def test_jobs_that_do_not_go_with_the_rest(call: Call, tmp_path: Path) -> None:
    net(tmp_path)
    said = call("search", "a.net", "--jobs", "2", "--device", "gpu")
    message = "error: several trials at a time are made on the CPU, not on `gpu`\n"
    assert (said.code, said.out, said.err) == (2, "", message)
    assert not (tmp_path / "runs").exists()
    assert call("search", "a.net", "--jobs", "0").code == 2


def test_data_that_cannot_be_read_is_told_as_ever(call: Call, tmp_path: Path) -> None:
    path = net(tmp_path)
    path.write_text(path.read_text().replace("split = split(valid = 30%)", "split = split(valid = 30%, stratify = x)"))
    one, two = (call("search", "a.net", "--jobs", jobs, "--out", f"s{jobs}") for jobs in ("1", "2"))
    assert (two.code, two.err) == (one.code, one.err)
    assert one.code == 2
