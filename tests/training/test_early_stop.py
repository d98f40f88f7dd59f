"""The best state, the early stop and its patience, in one go and across resumes."""

from __future__ import annotations

from pathlib import Path

import pytest

import gpubp
from gpubp.training import BEST, LAST, load_run, read

from .worlds import state, train, write_net

OVERFITS = "adam(lr = 0.3)"


def stopping(place: Path, stop: str, **options: str) -> Path:
    keys = f"  metrics = [r2(p, y)]\n  early_stop = early_stop({stop})\n"
    return write_net(place, **{"optimizer": OVERFITS, "length": "epochs = 60", "keys": keys} | options)  # type: ignore[arg-type]


def best_of(run: gpubp.Run, figure: str, sign: int = 1) -> int:
    """The first epoch with the least value of a figure."""
    return int(min(run.history, key=lambda record: (sign * record[figure], record["epoch"]))["epoch"])


@pytest.mark.parametrize(
    ("figure", "sign"), [("valid.loss", 1), ("valid.r2", -1), ("train.loss", 1), ("valid.penalty", 1)]
)
def test_it_stops_when_the_best_is_old_and_gives_it_back(tmp_path: Path, figure: str, sign: int) -> None:
    run = train(stopping(tmp_path, f"{figure}, patience = 4epochs"), out=tmp_path / "out")
    best = best_of(run, figure, sign)
    assert run.stopped == "early stop"
    assert len(run.history) == best + 4 < 60
    assert run.best_epoch == best
    again = train(stopping(tmp_path, f"{figure}, patience = 4epochs"), epochs=best)
    kept = {name: array.tobytes() for name, array in read(tmp_path / "out" / BEST).state.items()}
    assert state(run) == kept
    if figure != "valid.penalty":  # there is none: the first is the best, and what follows is not kept
        assert run.metrics["valid.loss"] == again.history[-1]["valid.loss"]


def test_without_restore_the_last_is_the_result(tmp_path: Path) -> None:
    run = train(stopping(tmp_path, "valid.loss, patience = 4epochs, restore = false"), out=tmp_path / "out")
    assert run.stopped == "early stop"
    assert run.best_epoch is None
    assert run.metrics["valid.loss"] == run.history[-1]["valid.loss"]
    assert state(run) == {name: array.tobytes() for name, array in read(tmp_path / "out" / LAST).state.items()}


def test_the_result_of_a_run_is_what_is_loaded(tmp_path: Path) -> None:
    for restore in ("true", "false"):
        out = tmp_path / restore
        run = train(stopping(tmp_path, f"valid.loss, patience = 4epochs, restore = {restore}"), out=out)
        loaded = load_run(out, "cpu")
        assert {n: a.tobytes() for n, a in loaded.executor.state_dict().items()} == state(run)
        assert loaded.metrics == run.metrics
        assert loaded.history == run.history


@pytest.mark.parametrize("patience", ["0epochs", "1epochs", "1steps", "5steps"])
def test_the_shortest_patience(tmp_path: Path, patience: str) -> None:
    run = train(stopping(tmp_path, f"valid.loss, patience = {patience}"))
    assert len(run.history) == best_of(run, "valid.loss") + 1


def test_patience_in_steps_is_looked_at_after_epochs(tmp_path: Path) -> None:
    epochs = train(stopping(tmp_path, "valid.loss, patience = 4epochs"))
    steps = train(stopping(tmp_path, "valid.loss, patience = 18steps"))  # 5 steps make an epoch
    assert steps.history == epochs.history


def test_what_is_better_by_less_than_min_delta_does_not_count(tmp_path: Path) -> None:
    run = train(stopping(tmp_path, "valid.loss, patience = 3epochs, min_delta = 1000"))
    assert [record["epoch"] for record in run.history] == [1, 2, 3, 4]
    assert run.best_epoch == 1


def test_mode_by_name(tmp_path: Path) -> None:
    wrong_way = train(stopping(tmp_path, "valid.loss, patience = 2epochs, mode = max"))
    assert wrong_way.best_epoch == best_of(wrong_way, "valid.loss", -1)
    same = train(stopping(tmp_path, "valid.r2, patience = 2epochs, mode = max"))
    assert same.history == train(stopping(tmp_path, "valid.r2, patience = 2epochs")).history


def test_the_data_loss_is_looked_at_not_the_penalties(tmp_path: Path) -> None:
    path = stopping(tmp_path, "train.loss, patience = 2epochs")
    path.write_text(path.read_text("utf-8").replace("mse(p, y)\n", "mse(p, y) + l2(10)\n"), "utf-8")
    run = train(path)
    assert run.best_epoch == best_of(run, "train.loss")


def test_without_an_early_stop_the_best_is_that_of_the_validation(tmp_path: Path) -> None:
    best = best_of(train(stopping(tmp_path, "valid.loss, patience = 4epochs")), "valid.loss")
    train(write_net(tmp_path, optimizer=OVERFITS, length=f"epochs = {best + 3}"), out=tmp_path / "out")
    about = read(tmp_path / "out" / BEST).about
    assert about["epoch"] == about["best"]["epoch"] == best
    assert read(tmp_path / "out" / LAST).about["result"] == "last"
    train(write_net(tmp_path, split=""), out=tmp_path / "none")
    assert not (tmp_path / "none" / BEST).exists()


@pytest.mark.parametrize("first", [1, 2, 4, 7])
def test_the_patience_goes_on_after_a_resume(tmp_path: Path, first: int) -> None:
    path, out = stopping(tmp_path, "valid.loss, patience = 6epochs"), tmp_path / "out"
    whole = train(path, out=tmp_path / "whole")
    train(path, epochs=first, out=out)
    resumed = train(path, out=out, resume=out)
    for name in (LAST, BEST, "metrics.jsonl"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert state(resumed) == state(whole)
    assert resumed.metrics == whole.metrics
    assert resumed.stopped == whole.stopped == "early stop"


def test_a_longer_patience_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "out"
    short = train(stopping(tmp_path, "valid.loss, patience = 2epochs"), out=out)
    again = train(stopping(tmp_path, "valid.loss, patience = 2epochs"), out=out, resume=out)
    assert (again.history, again.stopped, again.metrics) == ([], "early stop", short.metrics)
    longer = train(stopping(tmp_path, "valid.loss, patience = 6epochs"), out=out, resume=out)
    whole = train(stopping(tmp_path, "valid.loss, patience = 6epochs"))
    assert [*short.history, *longer.history] == whole.history
    assert longer.metrics == whole.metrics


def test_a_part_that_the_data_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(gpubp.NetError, match="the data has no part `valid`"):
        train(stopping(tmp_path, "valid.loss, patience = 2epochs", split=""))
