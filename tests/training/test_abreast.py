"""Seeds and folds of a small net train side by side, each on rows and with statistics of its own, and are what each is
when it is trained alone, to the bit."""

from __future__ import annotations

import itertools
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.executor import Abreast, Executor
from gpubp.frontend import UnlikeError, with_fold
from gpubp.training.course import SHARE
from tests.render.compiled import QUICK, needs_compiler

from .worlds import state, write_net

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "steps": {"length": "steps = 17"},
    "batches of one size": {"split": "  split = split(train = 80%, valid = 20%)\n"},
    "all rows at once": {"keys": "  batch = 64\n"},
    "in order": {"keys": "  shuffle = false\n"},
    "dropout": {"regular": " -> dropout(20%)"},
    "batchnorm": {"regular": " -> batchnorm"},
    "early stop": {"keys": "  early_stop = early_stop(valid.loss, patience = 2epochs)\n", "length": "epochs = 30"},
    "plateau": {"keys": "  schedule = plateau(valid.loss, factor = 0.3, patience = 1epochs)\n  average = ema(0.9)\n"},
    "accumulated": {"keys": "  accumulate = 2\n"},
    "no health": {"keys": "  health = false\n  schedule = cosine()\n"},
}


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps of each call in which an executor ran by itself."""
    steps: list[int] = []
    original = Executor.run_steps

    def counted(self: Executor, placed: Any, count: int, batch: int) -> Any:
        steps.append(count)
        return original(self, placed, count, batch)

    monkeypatch.setattr(Executor, "run_steps", counted)
    return steps


def net_of(base: Path, **changed: Any) -> gpubp.Net:
    path = write_net(base, **{"length": "epochs = 6", **changed})
    text = path.read_text("utf-8")
    if "batch = 64" in text:
        path.write_text(text.replace("  batch = 8\n", ""), "utf-8")
    return gpubp.load(path)


def seeds_as_alone(net: gpubp.Net, count: int, device: str = "cpu", backend: str = "auto") -> None:
    runs: list[gpubp.Run] = []
    gpubp.replicate(net, count, device, ended=lambda _, run: runs.append(run), backend=backend)
    assert len({run.dataset.parts["train"].tobytes() for run in runs}) == count
    for seed, run in enumerate(runs):
        if seed in (0, 1, count - 1):
            same(run, gpubp.train(net, device, seed=seed, backend=backend))


def same(run: gpubp.Run, other: gpubp.Run) -> None:
    assert state(run) == state(other)
    assert (run.metrics, run.tables, run.stopped, run.best_epoch) == (
        other.metrics,
        other.tables,
        other.stopped,
        other.best_epoch,
    )
    assert run.history == other.history
    assert run.health == other.health


@pytest.mark.parametrize("case", CASES)
def test_each_seed_is_the_training_alone(tmp_path: Path, case: str, alone: list[int]) -> None:
    net = net_of(tmp_path, **CASES[case])
    gpubp.replicate(net, 3, "cpu")
    assert not alone or ("stop" in case and len(alone) < 20), "they ran side by side"
    seeds_as_alone(net, 3)


@needs_compiler
@pytest.mark.parametrize(("count", "case"), [(3, "plain"), (13, "in order"), (13, "dropout"), (13, "all rows at once")])
def test_so_it_is_where_steps_are_compiled(tmp_path: Path, count: int, case: str, alone: list[int]) -> None:
    """Few are faster by themselves then."""
    net = net_of(tmp_path, **CASES[case], split="  split = split(train = 80%, test = 20%)\n")
    gpubp.replicate(net, count, "cpu", backend=QUICK)
    assert bool(alone) is (count == 3)
    seeds_as_alone(net, count, backend=QUICK)


def test_folds_of_two_sizes(tmp_path: Path, alone: list[int]) -> None:
    net = net_of(tmp_path, rows=57)
    runs: list[gpubp.Run] = []
    told = gpubp.cross_validate(net, 4, "cpu", ended=lambda _, run: runs.append(run))
    assert not alone
    assert len({fold.rows for fold in told.folds}) == 2
    for k, run in enumerate(runs, 1):
        same(run, gpubp.train(with_fold(net, k, 4), "cpu"))


def test_interrupted_at_different_steps_they_run_side_by_side_again(tmp_path: Path, alone: list[int]) -> None:
    """Also where those that were behind stop first."""
    net = net_of(tmp_path, length="epochs = 40", keys=CASES["early stop"]["keys"].replace("2epochs", "1epochs"))
    wanted = [gpubp.train(net, "cpu", seed=seed) for seed in range(4)]
    behind = sorted(range(4), key=lambda seed: len(wanted[seed].history))[:2]
    gpubp.replicate(net, 4, "cpu", tmp_path / "s", stopping=lambda: True)
    for seed in {*range(4)} - {*behind}:
        folder, epochs = tmp_path / f"s/seed-{seed}", list[int]()
        gpubp.train(
            net,
            "cpu",
            resume=folder,
            out=folder,
            recorded=[lambda _, e=epochs: e.append(1)],
            stopping=lambda e=epochs: len(e) > 1,
        )
    alone.clear()
    runs: list[gpubp.Run] = []
    gpubp.replicate(net, device="cpu", resume=tmp_path / "s", ended=lambda _, run: runs.append(run))
    assert len(alone) < 20
    assert [state(run) for run in runs] == [state(run) for run in wanted]


def test_where_the_bits_are_not_theirs_each_runs_by_itself(
    tmp_path: Path, alone: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = itertools.count()
    monkeypatch.setattr(Abreast, "_bits", lambda self, array: next(count))
    seeds_as_alone(net_of(tmp_path), 3)
    assert sum(alone) == (3 + 3) * 6 * 5


def test_so_does_each_that_a_gpu_trains_with_other_kernels(
    tmp_path: Path, alone: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def refuse(self: Abreast, rows: int) -> None:
        asked.append(rows)
        if rows < 8:
            raise UnlikeError

    monkeypatch.setattr(Abreast, "require_bits", refuse)
    gpubp.replicate(net_of(tmp_path), 2, "cpu")
    assert alone
    assert 4 in asked, "the smaller last batch is asked for, too"


def test_rows_of_another_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of the tests above: a net that takes its neighbour's rows."""
    original = gpubp.executor.feeding.PlacedEach._order
    monkeypatch.setattr(
        "gpubp.executor.feeding.PlacedEach._order", lambda *given, **more: np.roll(original(*given, **more), 1, axis=0)
    )
    with pytest.raises(AssertionError):
        seeds_as_alone(net_of(tmp_path), 3)


def test_much_data_is_in_memory_once(tmp_path: Path, alone: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    net, began = net_of(tmp_path), list[int]()
    monkeypatch.setattr("gpubp.training.course.free_memory", lambda: 10_000)
    gpubp.replicate(net, 2, "cpu", recorded=[lambda run: began.append(run.executor.seed)])
    assert alone
    assert began == [0] * 6 + [1] * 6


@pytest.mark.parametrize("how", ["callbacks", "recorded"])
def test_one_after_the_other_only_one_is_in_memory(tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Because somebody looks at the executors, and because there is much data."""
    monkeypatch.setattr("gpubp.training.course.free_memory", lambda: 10_000)
    runs: list[weakref.ref[gpubp.Run]] = []

    def begun(run: gpubp.Run) -> None:
        if run not in [ref() for ref in runs]:
            assert not any(ref() for ref in runs)
            runs.append(weakref.ref(run))

    given: Any = {how: [begun]}
    gpubp.replicate(net_of(tmp_path), 3, "cpu", **given)
    assert len(runs) == 3


def test_rows_that_are_not_trained_on_are_in_memory_too(
    tmp_path: Path, alone: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = net_of(tmp_path)
    for rows, together in ((36, False), (60, True)):
        monkeypatch.setattr("gpubp.training.course.free_memory", lambda of=rows: (2 * of * 4 * 4 + 1) / SHARE)
        alone.clear()
        gpubp.replicate(net, 2, "cpu")
        assert bool(alone) is not together


def test_streams_and_listeners_see_one_after_the_other(tmp_path: Path, alone: list[int]) -> None:
    net = net_of(tmp_path)
    seen: list[int] = []
    gpubp.replicate(net, 2, "cpu", callbacks=[lambda run: seen.append(run.executor.seed)])
    assert seen == [0] * 6 + [1] * 6
    assert alone
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.normal(size=(30, 3)))
    np.save(tmp_path / "y.npy", rng.normal(size=(30, 1)))
    text = net.graph.source.text.replace(
        'x, y = csv("a.csv", target = "y")', 'x = npy("x.npy", stream = true)\n  y = npy("y.npy")'
    )
    alone.clear()
    streamed = gpubp.loads(text, base=tmp_path)
    told = gpubp.replicate(streamed, 2, "cpu")
    assert alone
    assert told.replicates[1].metrics == gpubp.train(streamed, "cpu", seed=1).metrics


def test_later_seeds_take_as_many_steps_in_a_call_as_earlier_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, calls = Abreast.run, list[tuple[int, int]]()

    def counted(self: Abreast, members: list[int], steps: int) -> Any:
        calls.append((self._executors[members[0]].step, steps))
        return run(self, members, steps)

    monkeypatch.setattr(Abreast, "run", counted)
    monkeypatch.setattr("gpubp.training.study.max_side_by_side", lambda *_, **__: 2)
    gpubp.replicate(net_of(tmp_path), 4, "cpu")
    assert [steps > 1 for step, steps in calls if not step] == [False, True]
