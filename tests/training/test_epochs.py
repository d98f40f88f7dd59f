"""Several epochs in a piece: the bits, records, files and messages of one epoch after the other."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import gpubp
from gpubp.cli import main
from gpubp.executor import Ensemble, Executor
from gpubp.training import LAST, Run, loop, read
from gpubp.training.pace import Pace
from tests.render.compiled import QUICK, needs_compiler

from .worlds import SPLIT, state, write_net

BACKENDS = ["numpy", pytest.param(QUICK, id="native")]
FULL = "  batch = 60\n"
WHOLE = "  batch = 12\n"
PARTIAL = "  batch = 25\n"
CASES: dict[str, dict[str, Any]] = {
    "full batch": {"keys": FULL},
    "larger than all": {"keys": "  batch = 100\n"},
    "whole batches": {"keys": WHOLE},
    "as they stand": {"keys": f"{WHOLE}  shuffle = false\n"},
    "a smaller last one": {"keys": PARTIAL},
    "dropout, penalty": {"keys": f"{WHOLE}  clip = clip_norm(0.5)\n", "regular": " -> dropout(30%)"},
    "accumulate": {"keys": f"{PARTIAL}  accumulate = 2\n", "regular": " -> dropout(30%)"},
    "schedule": {"keys": f"{WHOLE}  schedule = cosine\n"},
    "schedule by epochs": {"keys": f"{FULL}  schedule = step(every = 7epochs)\n"},
    "without health": {"keys": f"{WHOLE}  health = false\n"},
    "steps": {"keys": WHOLE, "length": "steps = 243"},
    "average": {"keys": f"{FULL}  average = ema(0.9)\n"},
}


COMPILED = ("full batch", "whole batches", "as they stand", "a smaller last one", "dropout, penalty", "accumulate")
"""The others are the host's affair, whatever runs a step."""


def write(base: Path, case: str) -> Path:
    options = {"length": "epochs = 60", "split": ""} | CASES[case]
    path = write_net(base, optimizer="adam(lr = 0.02)", **options)
    path.write_text(path.read_text("utf-8").replace("  batch = 8\n", ""), "utf-8")
    return path


@contextmanager
def paced(steps: Iterator[int] | None, *, several: bool) -> Iterator[list[int]]:
    """Pieces of so many steps, of the length that the clock wants where there are none; gives the steps of each call.
    Without `several` no piece goes on after the end of an epoch."""
    taken: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        if not several:
            patch.setattr(loop, "may_run_ahead", lambda net: False)
        if steps is not None:
            patch.setattr(Pace, "took", lambda self, count, seconds: setattr(self, "steps", next(steps)))
        for kind in (Executor, Ensemble):
            patch.setattr(kind, "run_steps", spied(kind.run_steps, taken))
        yield taken


def spied(original: Callable[..., Any], taken: list[int]) -> Callable[..., Any]:
    def run_steps(self: object, placed: object, steps: int, batch: int) -> Any:
        taken.append(steps)
        return original(self, placed, steps, batch)

    return run_steps


def trained(path: Path, out: Path, steps: Iterator[int] | None, *, several: bool, **options: Any) -> dict[str, Any]:
    """All that a training leaves behind, and what was told on the way."""
    told: list[dict[str, float]] = []
    with paced(steps, several=several) as taken:
        run = gpubp.train(
            gpubp.load(path), "cpu", out=out, recorded=[lambda run: told.append(run.history[-1])], **options
        )
    files = {p.name: p.read_bytes() for p in sorted(out.iterdir()) if p.name != "env.json"}
    found = {"state": state(run), "history": run.history, "metrics": run.metrics, "health": run.health, "files": files}
    return found | {"told": told, "restarts": run.restarts, "calls": taken}


def compare(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert len(found.pop("calls")) < len(wanted.pop("calls"))
    for name, value in wanted.items():
        assert found[name] == value, name


@needs_compiler
@pytest.mark.parametrize(("case", "backend"), [*((case, "numpy") for case in CASES), *((c, QUICK) for c in COMPILED)])
def test_the_same_bits_records_and_files(tmp_path: Path, case: str, backend: str) -> None:
    path = write(tmp_path, case)
    wanted = trained(path, tmp_path / "wanted", None, several=False, backend=backend)
    for seed in (0, 1):
        chance = random.Random(seed)
        steps = (chance.choice((1, 3, 10, 77, 1000)) for _ in itertools.count())
        out = tmp_path / f"out{seed}"
        compare(trained(path, out, steps, several=True, backend=backend), dict(wanted))


def test_where_somebody_looks_it_takes_one(tmp_path: Path) -> None:
    path = write(tmp_path, "full batch")
    assert trained(path, tmp_path / "a", itertools.repeat(1000), several=True)["calls"] == [1, 59]
    with paced(itertools.repeat(1000), several=True) as taken:
        gpubp.train(gpubp.load(path), "cpu", callbacks=[lambda run: None])
    assert taken == [1] * 60
    for number, keys in enumerate(("", "  early_stop = early_stop(valid.loss, patience = 9epochs)\n")):
        folder = tmp_path / str(number)
        folder.mkdir()
        net = gpubp.load(write_net(folder, split=SPLIT, keys=keys, length="epochs = 3"))
        with paced(itertools.repeat(1000), several=True) as taken:
            gpubp.train(net, "cpu")
        assert max(taken) == 5
    folder = tmp_path / "plateau"
    folder.mkdir()
    net = gpubp.load(
        write_net(folder, split="", keys="  schedule = plateau(train.loss, patience = 2epochs)\n", length="epochs = 3")
    )
    with paced(itertools.repeat(1000), several=True) as taken:
        gpubp.train(net, "cpu")
    assert max(taken) == 8


def test_a_large_net_takes_one(tmp_path: Path) -> None:
    net = gpubp.load(write(tmp_path, "full batch"))
    assert loop.may_run_ahead(net)
    path = write(tmp_path, "full batch")
    path.write_text(path.read_text("utf-8").replace("dense(6)", "dense(300_000)"), "utf-8")
    assert not loop.may_run_ahead(gpubp.load(path))


# What goes wrong -----------------------------------------------------------------------------------------------------
@needs_compiler
@pytest.mark.parametrize("keys", [FULL, WHOLE, PARTIAL, f"{FULL}  restarts = 3\n", f"{WHOLE}  restarts = 3\n"])
@pytest.mark.parametrize(
    ("rate", "layer", "backend"),
    [(0.8, "tanh", "numpy"), (3.0, "tanh", "numpy"), (0.8, "relu", "numpy"), (0.8, "tanh", QUICK)],
    ids=["tanh", "steep", "relu", "native"],
)
def test_a_divergence_is_told_as_by_one_epoch_after_the_other(
    tmp_path: Path, backend: str, keys: str, rate: float, layer: str
) -> None:
    """The same epochs before it, the same step, the same message with what led to it, be it a loss that is no number or
    a gradient that the guard refuses."""
    path = write_net(tmp_path, optimizer=f"sgd(lr = {rate})", length="epochs = 4000", split="", keys=keys)
    path.write_text(path.read_text("utf-8").replace("  batch = 8\n", "").replace("tanh", layer), "utf-8")
    found = []
    for several in (False, True):
        told: list[dict[str, float]] = []

        def note(run: Run, told: list[dict[str, float]] = told) -> None:
            told.append(run.history[-1])

        with (
            paced(itertools.repeat(1000), several=several) as taken,
            pytest.raises(gpubp.DivergedError) as caught,
        ):
            gpubp.train(gpubp.load(path), "cpu", recorded=[note], backend=backend)
        assert (max(taken) > 50) == several
        found.append((str(caught.value), told))
    assert found[0] == found[1]
    assert len(found[0][1]) >= 1


@needs_compiler
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("batch", "rate"), [(FULL, 0.5), (WHOLE, 0.45)])
def test_a_restart_that_is_struck_out_ends_where_it_did(tmp_path: Path, batch: str, rate: float, backend: str) -> None:
    """Of the restarts some diverge, in epochs of their own; the others are trained to the end."""
    keys = f"{batch}  restarts = 8\n"
    path = write_net(tmp_path, optimizer=f"sgd(lr = {rate})", length="epochs = 70", split="", keys=keys)
    path.write_text(path.read_text("utf-8").replace("  batch = 8\n", ""), "utf-8")
    wanted = trained(path, tmp_path / "wanted", None, several=False, backend=backend)
    assert len({r["epochs"] for r in wanted["restarts"]} - {70}) > 1, "choose a rate under which some diverge"
    compare(trained(path, tmp_path / "out", itertools.repeat(1000), several=True, backend=backend), wanted)


# Interrupted, and on --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", ["full batch", "a smaller last one", "accumulate"])
@pytest.mark.parametrize("looks", [2, 5])
def test_interrupted_it_is_saved_and_goes_on(tmp_path: Path, case: str, looks: int) -> None:
    path = write(tmp_path, case)
    wanted = trained(path, tmp_path / "wanted", None, several=False)
    asked = itertools.count(1)
    with paced(itertools.cycle([7, 2, 20]), several=True):
        part = gpubp.train(
            gpubp.load(path), "cpu", out=tmp_path / "out", stopping=lambda: next(asked) >= looks, backend="numpy"
        )
    assert part.stopped == "interrupted"
    assert read(tmp_path / "out").about["step"] == part.executor.step
    found = trained(path, tmp_path / "out", itertools.repeat(50), several=True, resume=tmp_path / "out")
    assert [*part.history, *found["history"]] == wanted["history"]
    assert (found["state"], found["files"]) == (wanted["state"], wanted["files"])


def test_it_is_saved_as_often_as_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each piece, which ends with an epoch where one fits, though health is measured in the middle of some."""
    monkeypatch.setattr(Pace, "SHARE", float("inf"))
    path = write_net(tmp_path, length="epochs = 40", split="")
    steps: list[int] = []
    original = loop.Training._save

    def save(self: loop.Training) -> None:
        original(self)
        steps.append(int(read(tmp_path / "out" / LAST).about["step"]))

    monkeypatch.setattr(loop.Training, "_save", save)
    with paced(itertools.repeat(50), several=True):
        gpubp.train(gpubp.load(path), "cpu", out=tmp_path / "out")
    assert steps == [48, 96, 144, 192, 200, 248, 296, 320]
    lines = (tmp_path / "out" / "metrics.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line).get("epoch") for line in lines] == [*range(1, 41), None]


# The command line ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("words", [(), ("--json",), ("--set", "starts=5"), ("--set", "starts=5", "--json")])
def test_what_is_printed(tmp_path: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    path = write_net(tmp_path, length="epochs = 25", split="", keys="  restarts = starts\n")
    path.write_text("param starts = 1\n" + path.read_text("utf-8"), "utf-8")
    said = []
    for several in (False, True):
        with paced(itertools.repeat(1000), several=several) as taken:
            assert main(["run", str(path), "--no-save", "--device", "cpu", *words]) == 0
        assert (max(taken) > 8) == several
        out = capsys.readouterr().out
        said.append([line for line in out.splitlines() if " s" not in line and "seconds" not in line])
    assert said[0] == said[1]
    assert len(said[0]) >= 10
