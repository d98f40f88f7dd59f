"""Trainings killed at random moments: `python -m tests.robustness.kills [COUNT]`.

A training that saves as often as it can is killed (SIGKILL) at a moment drawn at random, one or more times, and goes
on. After each kill every checkpoint that is there must be whole; at the end every file must hold the bytes of the run
that nobody disturbed. The exit code is 1 where one does not.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import gpubp
from gpubp.training import BEST, LAST, read
from gpubp.training.pace import Pace

from ..training.worlds import SPLIT, write_net

COMPARED = (LAST, BEST, "metrics.jsonl", "written.net", "resolved.net")
AGAIN = 0.4
"""Chance that a training that was resumed is killed once more."""


@dataclass
class Count:
    """How many kills there were, how many hit a save, and what went wrong."""

    kills: int = 0
    saves: int = 0
    failures: int = 0


def train(net: Path, out: Path) -> None:
    """Begin the run, or go on with it, saving after every piece of a few steps."""
    Pace.SHARE, Pace.LONGEST, Pace.PIECE = math.inf, 0.0, 1e-3
    gpubp.train(gpubp.load(net), "cpu", out=out, resume=out if (out / LAST).exists() else None)


def forked(work: Callable[[], None]) -> int:
    """The number of a child process that does the work and ends with 0."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException as error:
        print(f"the child fails: {type(error).__name__}: {error}", flush=True)
    finally:
        os._exit(code)


def killed(child: int, seconds: float) -> bool:
    """Wait so long, then kill; False where the child had ended well. Raises RuntimeError where it had failed."""
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError("a training failed")
    return os.WIFSIGNALED(status)


def check(out: Path) -> None:
    """Raise CheckpointError for a checkpoint that is not whole."""
    for name in (LAST, BEST):
        if (out / name).exists():
            read(out / name)


def case(number: int, net: Path, whole: Path, seconds: float, count: Count) -> None:
    """Kill one training, once or more, and let it end. Raises AssertionError where its files are others."""
    random = Random(number)
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "run"
        kills = 0
        while not kills or random.random() < AGAIN:
            if killed(forked(lambda: train(net, out)), random.uniform(0, seconds)):
                kills += 1
                count.saves += any(out.glob(".*.saving"))
            elif not kills:  # it was quicker this time: begin anew, and kill sooner
                shutil.rmtree(out)
                seconds *= 0.8
            check(out)
        count.kills += kills
        assert os.waitpid(forked(lambda: train(net, out)), 0)[1] == 0, "the resumed training fails"
        for name in COMPARED:
            if not (whole / name).exists():
                continue
            assert (out / name).read_bytes() == (whole / name).read_bytes(), f"`{name}` has other bytes"
        assert not list(out.glob(".*")), "something is left over"


WATCHED = "  metrics = [r2(p, y)]\n  early_stop = early_stop(valid.r2, patience = 4epochs)\n"


WORLDS = {"watched": (WATCHED, SPLIT, "epochs = 8"), "plain": ("", "", "epochs = 16")}
WORLDS["restarts"] = f"  restarts = 3\n{WATCHED}", SPLIT, "epochs = 8"
"""Keys of `train`, the split and the length. A run is looked at after each epoch where a figure is watched; else each
piece is several epochs."""


def world(place: Path, keys: str, split: str, length: str) -> tuple[Path, Path, float]:
    """The net, the run that nobody disturbed, and how long it took."""
    place.mkdir()
    net = write_net(place, regular=" -> dropout(30%)", length=length, keys=keys, split=split)
    gpubp.train(gpubp.load(net), "cpu", out=place / "warm", epochs=1)  # every module is loaded, for all children
    whole, start = place / "whole", time.monotonic()
    assert os.waitpid(forked(lambda: train(net, whole)), 0)[1] == 0
    return net, whole, time.monotonic() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=100, help="trainings to kill")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    arguments = parser.parse_args()
    count = Count()
    with tempfile.TemporaryDirectory() as place:
        worlds = [world(Path(place) / name, *about) for name, about in WORLDS.items()]
        for number in range(arguments.first, arguments.first + arguments.count):
            try:
                case(number, *worlds[number % len(worlds)], count)
            except (AssertionError, RuntimeError, gpubp.GpubpError) as error:
                count.failures += 1
                print(f"case {number}: {error}", flush=True)
    seconds = ", ".join(f"{one[2]:.2f}" for one in worlds)
    print(
        f"{arguments.count} trainings of {seconds} s, {count.kills} kills, {count.saves} of them during a save: "
        f"{count.failures} failures"
    )
    return 1 if count.failures else 0


if __name__ == "__main__":
    sys.exit(main())
