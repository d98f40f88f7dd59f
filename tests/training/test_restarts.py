"""`restarts = K`: the starts are trained side by side, the best is kept, the spread is told."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.errors import DivergedError
from gpubp.executor import Ensemble
from gpubp.training import Progress, Run, epochs, spread
from gpubp.training.pace import Pace

from .worlds import train, write_net

PLAIN = "  restarts = 4\n"


def test_the_winner_is_the_run_of_its_seed(tmp_path: Path) -> None:
    path = write_net(tmp_path, split="", keys=PLAIN)
    run = train(path, seed=3)
    assert [r["seed"] for r in run.restarts] == [3, 4, 5, 6]
    assert run.judged_by == "train.loss"
    best = min(run.restarts, key=lambda r: r["figure"])
    assert run.executor.seed == best["seed"]
    assert run.metrics["train.loss"] == pytest.approx(best["figure"], rel=1e-6)
    alone = train(write_net(tmp_path, split=""), seed=best["seed"])
    for name, array in alone.executor.state_dict().items():
        np.testing.assert_allclose(run.executor.state_dict()[name], array, rtol=1e-4, atol=1e-6, err_msg=name)
    assert [r["train.loss"] for r in run.history] == pytest.approx([r["train.loss"] for r in alone.history], rel=1e-4)


BEHIND = """model {
  input x: [3]
  target y: [1]
  output p = x -> dense(4) -> tanh -> standardize -> dense(1)
}
train {
  loss      = mse(p, y)
  optimizer = sgd(lr = 0.01)
  batch     = 8
  epochs    = 2
  restarts  = 3
}
"""


@pytest.mark.parametrize("start", [None, {"p.dense.bias": [1.0, 0.0, -1.0, 0.5]}])
def test_statistics_behind_weights_are_those_of_each_restart(start: dict[str, Any] | None) -> None:
    rng = np.random.default_rng(0)
    rows: dict[str, Any] = {"data": {"x": rng.normal(size=(32, 3)), "y": rng.normal(size=(32, 1))}, "start": start}
    run = gpubp.train(gpubp.loads(BEHIND), "cpu", backend="numpy", **rows)
    net = gpubp.loads(BEHIND.replace("restarts  = 3", ""))
    alone = [gpubp.train(net, "cpu", seed=seed, backend="numpy", **rows) for seed in range(3)]
    wanted = [one.metrics["train.loss"] for one in alone]
    assert [restart["figure"] for restart in run.restarts] == pytest.approx(wanted, rel=1e-5)


def test_validation_decides_and_each_restart_stops_by_itself(tmp_path: Path) -> None:
    keys = "  restarts = 5\n  early_stop = early_stop(valid.loss, patience = 2epochs)\n"
    run = train(write_net(tmp_path, keys=keys, length="epochs = 40"), out=tmp_path / "out")
    assert run.judged_by == "valid.loss"
    figures = [r["figure"] for r in run.restarts]
    assert run.metrics["valid.loss"] == pytest.approx(min(figures), rel=1e-5)
    assert len({r["epochs"] for r in run.restarts}) > 1, "they do not stop together"
    assert run.best_epoch is not None
    about = json.loads((tmp_path / "out" / "env.json").read_text("utf-8"))
    assert [r["figure"] for r in about["restarts"]] == figures
    read = gpubp.load_run(tmp_path / "out")
    assert read.metrics == pytest.approx(run.metrics)


def test_a_resume_keeps_the_rows_that_were_held_back(tmp_path: Path) -> None:
    """The winner's seed draws its shuffles, the first one's seed has drawn the split."""
    path = write_net(tmp_path, keys="  restarts = 6\n", length="epochs = 3")
    run = train(path, out=tmp_path / "out", seed=10)
    assert run.executor.seed != 10, "choose a seed whose first restart is not the best"
    more = train(path, resume=tmp_path / "out", epochs=5)
    for part, rows in run.dataset.parts.items():
        assert np.array_equal(more.dataset.parts[part], rows), part
    assert len(more.history) == 2


def test_one_that_diverges_is_told_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = Ensemble.run_steps, []

    def poisoned(self: Ensemble, *args: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            self.arrays[self.net.layout.groups[0].name][2] = np.inf
        return original(self, *args)

    monkeypatch.setattr(Ensemble, "run_steps", poisoned)
    run = train(write_net(tmp_path, keys=PLAIN))
    assert run.restarts[2]["figure"] is None
    assert "holds" in run.restarts[2]["stopped"]
    assert all(r["figure"] is not None for i, r in enumerate(run.restarts) if i != 2)
    assert "1 diverged" in spread(run.restarts, run.judged_by)


def test_where_all_diverge_the_training_fails(tmp_path: Path) -> None:
    path = write_net(tmp_path, keys=PLAIN, optimizer="sgd(lr = 1e30)")
    with pytest.raises(DivergedError, match="all 4 restarts diverged"):
        train(path)


@pytest.mark.parametrize("restarts", [1, 4])
def test_progress_is_that_of_the_one_that_leads(tmp_path: Path, restarts: int) -> None:
    said: list[Progress] = []
    path = write_net(tmp_path, split="", keys=f"  restarts = {restarts}\n", length="steps = 20")
    run = train(path, progress=said.append)
    assert [one.step for one in said] == sorted({one.step for one in said})
    assert {(one.total, one.epochs) for one in said} == {(20, 3)}
    assert all(one.epoch == -(-one.step // 8) and one.rate > 0 for one in said)
    last = [restart.history[-1]["train.loss"] for restart in (run, *alone_of(path, run))]
    assert (said[-1].step, said[-1].loss) == (20, pytest.approx(min(last), rel=1e-4))


@pytest.mark.parametrize("restarts", [1, 4])
def test_the_rate_is_that_of_the_last_steps(tmp_path: Path, restarts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after a resume, whose first steps another process took. The clock goes on by a second each time."""
    monkeypatch.setattr(epochs, "time", SimpleNamespace(monotonic=itertools.count().__next__))
    said: list[Progress] = []
    path, out = write_net(tmp_path, split="", keys=f"  restarts = {restarts}\n", length="steps = 20"), tmp_path / "out"
    train(path, out=out, progress=said.append, stopping=lambda: len(said) == 2)
    train(path, out=out, resume=out, progress=said.append)
    steps = [0, *(one.step for one in said)]
    assert [one.rate for one in said] == [after - before for before, after in itertools.pairwise(steps)]


def alone_of(path: Path, run: Run) -> list[Run]:
    """The restarts of a run, each by itself."""
    path.write_text(path.read_text("utf-8").replace("restarts = 4", "restarts = 1"), "utf-8")
    return [train(path, seed=restart["seed"]) for restart in run.restarts]


def test_callbacks_see_the_one_that_leads(tmp_path: Path) -> None:
    seen: list[float] = []

    def look(run: Run) -> None:
        seen.append(run.history[-1]["valid.loss"])

    run = train(write_net(tmp_path, keys=PLAIN, length="epochs = 4"), callbacks=(look,))
    assert len(seen) == 4
    assert seen[-1] == pytest.approx(min(r["figure"] for r in run.restarts))


EARLY = (
    "  early_stop = early_stop(valid.loss, patience = 1epochs)\n  schedule = plateau(valid.loss, patience = 1epochs)\n"
)


@pytest.mark.parametrize(("keys", "length"), [(EARLY, "epochs = 6"), ("", "steps = 28")])
def test_interrupted_again_and_again_all_of_them_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str, length: str
) -> None:
    """The run has the files of one that nobody interrupted; it is interrupted in the first epoch, in the middle of
    others, and when some have stopped."""
    monkeypatch.setattr(Pace, "PIECE", 0.0)
    path = write_net(tmp_path, keys=PLAIN + keys, length=length, regular=" -> dropout(30%)")
    whole = train(path, out=tmp_path / "whole")
    out, seen = tmp_path / "out", set()
    for steps in (3, 5, 6, 9):
        looks = iter([False] * (steps - 1))
        run = train(path, out=out, resume=out if seen else None, stopping=lambda looks=looks: next(looks, True))
        assert (run.stopped, run.metrics) == ("interrupted", {})
        seen.add(gpubp.load_run(out).executor.step)  # the state of the leader
    assert len(seen) > 2
    run = train(path, out=out, resume=out)
    assert (run.metrics, run.restarts, run.history) == (whole.metrics, whole.restarts, whole.history)
    for file in (tmp_path / "whole").iterdir():
        if file.name != "env.json":
            assert (out / file.name).read_bytes() == file.read_bytes(), file.name


def test_one_that_diverged_before_an_interruption_stays_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "PIECE", 0.0)
    original = Ensemble.run_steps

    def poisoned(self: Ensemble, *args: Any) -> Any:
        if self.step == 7:
            self.arrays[self.net.layout.groups[0].name][2] = np.inf
        return original(self, *args)

    monkeypatch.setattr(Ensemble, "run_steps", poisoned)
    path = write_net(tmp_path, keys=PLAIN)
    whole = train(path)
    assert whole.restarts[2]["figure"] is None
    for pieces in (7, 9, 30):
        looks = iter([False] * pieces)
        train(path, out=tmp_path / str(pieces), stopping=lambda looks=looks: next(looks, True))
        run = train(path, resume=tmp_path / str(pieces))
        assert (run.restarts, run.metrics) == (whole.restarts, whole.metrics)


def test_what_ranks_the_restarts_is_not_changed_before_the_choice(tmp_path: Path) -> None:
    train(write_net(tmp_path, keys=PLAIN), out=tmp_path / "out", stopping=lambda: True)
    path = write_net(tmp_path, keys=PLAIN + "  early_stop = early_stop(valid.loss, patience = 2epochs)\n")
    with pytest.raises(gpubp.CheckpointError, match="is of another experiment: `early_stop` was"):
        train(path, resume=tmp_path / "out")
    other = write_net(tmp_path, keys=PLAIN)
    other.write_text(other.read_text("utf-8").replace("dense(6)", "dense(7)"), "utf-8")
    with pytest.raises(gpubp.CheckpointError, match=r"cannot continue as .*has shape"):
        train(other, resume=tmp_path / "out")


def test_the_spread_in_words() -> None:
    restarts = [{"figure": value} for value in (0.5, None, 0.125, 0.25)]
    assert spread(restarts, "valid.loss") == "4 restarts: valid.loss from 0.125 to 0.5, median 0.25; 1 diverged"
    restarts = [{"figure": value} for value in (4, 1, 3, 8)]
    assert spread(restarts, "valid.loss") == "4 restarts: valid.loss from 1 to 8, median 3.5"


def test_a_seed_whose_successors_are_too_large(tmp_path: Path) -> None:
    """Restarts have the seeds after the first one."""
    path = write_net(tmp_path, keys=PLAIN)
    with pytest.raises(gpubp.GpubpError, match=f"the seed is {1 << 63}; it must be from 0 to"):
        train(path, seed=(1 << 63) - 1)
