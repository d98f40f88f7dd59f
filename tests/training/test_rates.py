"""Learning rates over a whole training: schedules in epochs, to the end, and by what validation says."""

from __future__ import annotations

from pathlib import Path

import pytest

import gpubp
from gpubp.frontend import rates
from gpubp.picture import panels
from gpubp.training import run_records

from .worlds import state, train, write_net


def test_epochs_and_the_end_are_known(tmp_path: Path) -> None:
    """36 rows in batches of 8: five batches an epoch."""
    run = train(write_net(tmp_path, keys="  schedule = warmup(2epochs, cosine(to = 0))\n"))
    assert (run.executor.counters["epoch_steps"], run.executor.counters["total_steps"]) == (5, 50)
    run = train(write_net(tmp_path, keys="  schedule = cosine(to = 0)\n"), epochs=3)
    assert run.executor.counters["total_steps"] == 15
    run = train(write_net(tmp_path, keys="  schedule = cosine(to = 0)\n", length="steps = 13"))
    assert run.executor.counters["total_steps"] == 13


def test_a_rate_that_has_ended_moves_nothing(tmp_path: Path) -> None:
    weights = []
    for epochs in (4, 10):
        keys = "  schedule = linear(to = 0, over = 4epochs)\n"
        run = train(write_net(tmp_path, optimizer="sgd(lr = 0.05)", keys=keys), epochs=epochs)
        weights.append({name: value.tobytes() for name, value in run.executor.parameters.items()})
    assert weights[0] == weights[1]


SCHEDULES = [
    "warmup(7steps, cosine(to = 0))",
    "drops([2epochs, 17steps], factor = 0.5)",
    "one_cycle",
    "plateau(valid.loss, patience = 1epochs, factor = 0.5)",
    "warmup(1epochs, plateau(valid.r2, patience = 5steps))",
    "plateau(train.loss, patience = 2epochs)",
]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_resume_goes_on_bit_for_bit(tmp_path: Path, schedule: str) -> None:
    """Stopped after an epoch, not for a shorter training."""
    path = write_net(tmp_path, keys=f"  schedule = {schedule}\n  metrics = [r2(p, y)]\n", optimizer="sgd(lr = 0.2)")

    seen: list[gpubp.Run] = []
    whole = train(path)
    train(path, out=tmp_path / "run", callbacks=[seen.append], stopping=lambda: len(seen) == 4)
    resumed = train(path, resume=tmp_path / "run")
    assert resumed.history == whole.history[4:]
    assert state(resumed) == state(whole)


@pytest.mark.parametrize("schedule", [schedule for schedule in SCHEDULES if "plateau" in schedule])
def test_the_rate_under_a_plateau_is_told_by_the_figures(tmp_path: Path, schedule: str) -> None:
    """Also by those that a run's folder keeps."""
    keys = f"  schedule = {schedule}\n  metrics = [r2(p, y)]\n"
    path = write_net(tmp_path, keys=keys, optimizer="sgd(lr = 0.2)")
    seen: list[float] = []
    train(path, out=tmp_path / "run", callbacks=[lambda run: seen.append(run.executor.counters["rate_scale"])])
    assert min(seen) < 1, "the rate has fallen"
    records = [record for record in run_records(tmp_path / "run") if "epoch" in record]
    steps = [int(record["step"]) for record in records]
    assert rates(gpubp.load(path), steps, 5, 50, records) == pytest.approx([0.2 * scale for scale in seen], rel=1e-12)
    assert rates(gpubp.load(path), [step - 1 for step in steps[2:]], 5, 50, records) == pytest.approx(
        [0.2 * scale for scale in seen[1:-1]], rel=1e-12
    )
    (panel,) = panels([tmp_path / "run"], ["learning rate"])
    assert [y for _, y in panel.curves[0].points][2:] == pytest.approx([0.2 * s for s in seen[1:-1]], rel=1e-12)


def test_a_plateau_lowers_the_rate(tmp_path: Path) -> None:
    keys = "  schedule = plateau(patience = 2epochs, factor = 0.5, least = 10%)\n"
    path = write_net(tmp_path, optimizer="sgd(lr = 1e-9)", keys=keys)
    seen: list[float] = []
    train(path, epochs=14, callbacks=[lambda run: seen.append(run.executor.counters["rate_scale"])])
    assert seen[0] == 1
    assert seen[-1] >= 0.1
    assert sorted(seen, reverse=True) == seen
    # A rate of nothing makes nothing better by much, but it may by a rounding.
    frozen = write_net(tmp_path, optimizer="sgd(lr = 0)", keys=keys)
    seen.clear()
    train(frozen, epochs=11, callbacks=[lambda run: seen.append(run.executor.counters["rate_scale"])])
    assert seen == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.1, 0.1, 0.1]


def test_more_of_a_metric_is_better(tmp_path: Path) -> None:
    keys = "  schedule = plateau(valid.r2, patience = 1epochs)\n  metrics = [r2(p, y)]\n"
    run = train(write_net(tmp_path, keys=keys))
    best = max(record["valid.r2"] for record in run.history)
    assert run.executor.counters["best"] == -best


def test_a_single_step_knows_no_epoch(tmp_path: Path) -> None:
    path = write_net(tmp_path, keys="  schedule = step(2epochs)\n")
    ex = gpubp.Executor(gpubp.load(path), device="cpu")
    rows = {"x": [[1.0, 2.0, 3.0]], "y": [[1.0]]}
    with pytest.raises(gpubp.GpubpError, match="the schedule counts epochs, and `epoch_steps` is not known"):
        ex.train_step(rows)
    assert ex.step == 0
    ex.set_counters({"epoch_steps": 5})
    ex.train_step(rows)
    other = gpubp.Executor(gpubp.load(path), device="cpu")
    other.train_steps({name: value * 4 for name, value in rows.items()}, steps=3, batch=2)
    assert other.counters["epoch_steps"] == 2
