"""Trials that differ in numbers alone are trained side by side, and are what each is when it is trained alone."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import gpubp
from gpubp.backends.numpy import NumpyBackend
from gpubp.executor import Executor, Sweep
from gpubp.frontend import build, program_of
from gpubp.training import Search, Trial, begin_search, resume_search, run_search, searching
from gpubp.training.sweeps import grouped
from gpubp.training.trials import Task
from tests.render.compiled import needs_compiler

from .worlds import train, write_net

RATE = "param rate = 0.02 in log(1e-3, 1e-1)\n"
PLAIN = {"optimizer": "adam(lr = rate)", "length": "epochs = 6"}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "steps": {"length": "steps = 17"},
    "dropout": {"regular": " -> dropout(rate * 5)"},
    "early stop": {"keys": "  early_stop = early_stop(valid.loss, patience = 2epochs)\n", "length": "epochs = 30"},
    "the last state": {
        "keys": "  early_stop = early_stop(valid.loss, patience = 2epochs, restore = false)\n",
        "length": "epochs = 30",
    },
    "plateau": {"keys": "  schedule = plateau(valid.loss, factor = 0.3, patience = 1epochs)\n  average = ema(0.9)\n"},
    "restarts": {"keys": "  restarts = 3\n", "regular": " -> dropout(rate * 5)"},
    "restarts that stop": {
        "keys": "  restarts = 3\n  early_stop = early_stop(valid.loss, patience = 2epochs)\n",
        "length": "epochs = 30",
    },
    "another figure": {"keys": "  metrics = [r2(p, y)]\n  early_stop = early_stop(valid.r2, patience = 2epochs)\n"},
}


def write(base: Path, params: str = RATE, **changed: Any) -> str:
    path = write_net(base, **(PLAIN | changed))
    path.write_text(params + path.read_text("utf-8"), "utf-8")
    return str(path)


def found(file: str, out: Path, trials: int = 5, **given: Any) -> dict[int, Trial]:
    told = begin_search(file, {}, trials=trials, out=out, **given)
    assert run_search(told, "cpu")
    return {trial.number: replace(trial, seconds=0.0) for trial in told.done}


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[int, Trial]]:
    """The same search, each trial by itself."""

    def made(*args: Any, **given: Any) -> dict[int, Trial]:
        with monkeypatch.context() as patch:
            patch.setattr(searching, "grouped", lambda task, asked, *_: grouped(task, asked, "cpu", 1))
            patch.setattr("gpubp.training.sweeps._trained", None)
            return found(*args, **given)

    return made


@pytest.mark.parametrize("case", CASES)
def test_each_trial_is_the_training_alone(tmp_path: Path, alone: Any, case: str) -> None:
    file = write(tmp_path, **CASES[case])
    together = found(file, tmp_path / "s")
    assert together == alone(file, tmp_path / "t")
    assert len({trial.value for trial in together.values()}) == 5
    if "early" in str(CASES[case]):
        assert len({trial.epochs for trial in together.values()}) > 1


def test_so_it_is_from_the_weights_of_another_run(tmp_path: Path, alone: Any) -> None:
    (tmp_path / "first").mkdir()
    train(write_net(tmp_path / "first", length="epochs = 2"), out=tmp_path / "first" / "run")
    file = write(tmp_path, length="epochs = 2", keys='  start = load("first/run")\n')
    assert found(file, tmp_path / "s", 2) == alone(file, tmp_path / "t", 2)


def test_so_it_is_over_folds_and_seeds(tmp_path: Path, alone: Any) -> None:
    for folder, split, more in (("a", {"split": ""}, {"folds": 3}), ("b", {}, {"seeds": 2})):
        (tmp_path / folder).mkdir()
        file = write(tmp_path / folder, length="epochs = 2", **split)
        assert found(file, tmp_path / folder / "s", **more) == alone(file, tmp_path / folder / "t", **more)


@pytest.mark.parametrize("more", [{"folds": 3}, {"seeds": 2}])
def test_each_fold_and_seed_of_a_trial_has_the_same_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, int]
) -> None:
    built: list[tuple[Any, ...]] = []

    def counted(net: gpubp.Net, *key: Any) -> Any:
        built.append((id(net.layout), *key))
        return build(net, *key)

    monkeypatch.setattr(sys.modules[program_of.__module__], "build", counted)
    given = {"split": ""} if "folds" in more else {}
    found(write(tmp_path, length="epochs = 2", **given), tmp_path / "s", **more)
    assert len(built) >= 5
    assert len({*built}) == len(built)


@needs_compiler
@pytest.mark.parametrize(("trials", "restarts"), [(4, 1), (13, 1), (3, 4)])
def test_so_it_is_where_steps_are_compiled(
    tmp_path: Path, alone: Any, trials: int, restarts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NumpyBackend, "compile_threshold", 2e-5)
    file = write(tmp_path, length="epochs = 12", keys=f"  restarts = {restarts}\n")
    assert found(file, tmp_path / "s", trials) == alone(file, tmp_path / "t", trials)


@pytest.mark.parametrize(("restarts", "told"), [(1, "diverged: epoch"), (3, "diverged: ")])
def test_those_that_diverge_tell_what_they_tell_alone(tmp_path: Path, alone: Any, restarts: int, told: str) -> None:
    keys = f"  restarts = {restarts}\n"
    file = write(tmp_path, RATE.replace("1e-1", "1e4"), optimizer="sgd(lr = rate)", keys=keys)
    together = found(file, tmp_path / "s", 8)
    assert together == alone(file, tmp_path / "t", 8)
    assert {trial.value is None for trial in together.values()} == {True, False}
    assert any(told in trial.failed for trial in together.values())


def test_a_loss_that_is_no_number_ends_a_trial(tmp_path: Path, alone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though its gradient is finite: as it ends the training alone."""
    file = write(tmp_path)
    original = Sweep.run_steps

    def spoilt(self: Sweep, *given: Any) -> Any:
        losses, penalties, sizes = original(self, *given)
        losses[2, -1] = float("inf")
        return losses, penalties, sizes

    monkeypatch.setattr(Sweep, "run_steps", spoilt)
    begun: list[int] = []
    train = gpubp.training.trials.train
    monkeypatch.setattr("gpubp.training.trials.train", lambda *a, **b: begun.append(1) or train(*a, **b))
    assert found(file, tmp_path / "s") == alone(file, tmp_path / "t")
    assert len(begun) == 1 + 5, "it alone was trained by itself, then each"


@pytest.mark.parametrize(("bits", "restarts"), [(True, 1), (False, 1), (True, 2)])
def test_they_are_one_program_while_its_bits_are_theirs(
    tmp_path: Path, alone: Any, bits: bool, restarts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, made = write(tmp_path, keys=f"  restarts = {restarts}\n"), []
    monkeypatch.setattr("gpubp.training.trials.train", lambda *a, **b: made.append(1) or gpubp.train(*a, **b))
    if not bits:
        count = itertools.count()
        monkeypatch.setattr(Sweep, "_bits", lambda self, array: next(count))
    together = found(file, tmp_path / "s")
    assert len(made) == (0 if bits else 5)
    assert together == alone(file, tmp_path / "t")


def test_an_interrupted_search_makes_the_group_again(tmp_path: Path) -> None:
    file = write(tmp_path, length="epochs = 40")
    wanted = found(file, tmp_path / "whole", 6)
    told, asked = begin_search(file, {}, trials=6, out=tmp_path / "s"), []
    assert not run_search(told, "cpu", stopping=lambda: asked.append(1) or len(asked) > 9)
    assert told.done == []
    more: Search = resume_search(tmp_path / "s")
    assert run_search(more, "cpu")
    assert {trial.number: replace(trial, seconds=0.0) for trial in more.done} == wanted


def test_which_trials_are_a_group(tmp_path: Path) -> None:
    """Those of one shape, of one start; a file that is wrong with a value is a trial by itself."""
    params = "param width = 2 in [0, 2, 3]\nparam rate = 0.1 in [0.1, 0.2, 0.3]\n"
    file = write(tmp_path, params, regular=" -> dense(width)", optimizer="sgd(lr = rate)")
    space = [
        (n, {"width": w, "rate": r}) for n, (w, r) in enumerate(((w, r) for w in "023" for r in ("0.1", "0.3")), 1)
    ]
    task = Task(file, {}, None, None, "valid.loss")

    def numbers(most: int = 64, **more: str) -> list[list[int]]:
        return [[one.number for one in group] for group in grouped(replace(task, given=more), space, "cpu", most)]

    assert numbers() == [[1], [2], [3, 4], [5, 6]]
    assert numbers(most=1) == [[1], [2], [3], [4], [5], [6]]
    text = Path(file).read_text("utf-8")
    Path(file).write_text(re.sub("loss =", "restarts = 2\n  loss =", text), "utf-8")
    assert numbers() == [[1], [2], [3, 4], [5, 6]]
    Path(file).write_text(re.sub("loss =", "restarts = 40\n  loss =", text), "utf-8")
    assert numbers() == [[1], [2], [3], [4], [5], [6]]


def test_a_group_too_large_for_the_cache_is_divided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path)
    task = Task(file, {}, None, None, "valid.loss")
    several = [(n, {"rate": str(n / 1000 + 0.0003)}) for n in range(1, 11)]
    net = gpubp.load(file)
    size = Executor(net, "cpu").compiled("train", 8).costs.memory
    monkeypatch.setattr(NumpyBackend, "near", 4 * size)
    parts = [[one.number for one in group] for group in grouped(task, several, "cpu")]
    assert parts == [[1, 2, 3], [4, 5, 6], [7, 8, 9, 10]]
    monkeypatch.setattr(NumpyBackend, "near", 1.5 * size)
    assert all(len(group) == 1 for group in grouped(task, several, "cpu"))


def test_those_who_listen_are_told(tmp_path: Path) -> None:
    told, begun, steps = begin_search(write(tmp_path), {}, trials=3, out=tmp_path / "s"), [], []
    assert run_search(told, "cpu", begun=begun.append, progress=steps.append)
    assert begun == [[1, 2, 3]]
    assert steps[-1].step == steps[-1].total
