"""Validation on the CPU: compiled kernels take over at an epoch that the file fixes."""

from __future__ import annotations

from pathlib import Path

import pytest

import gpubp
from gpubp.backends.numpy import NumpyBackend
from gpubp.executor import Ensemble
from tests.render.compiled import needs_compiler

from .worlds import state, train, write_net

pytestmark = needs_compiler
STOP = "  early_stop = early_stop(valid.loss, patience = 40epochs)\n"


@pytest.fixture
def repeats(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From which repeat on validation programs are compiled, as they are made; the training program is not."""
    found: list[int] = []
    original = gpubp.executor.machine.Machine._native_from

    def early(self, mode, batch, plan, costs):  # type: ignore[no-untyped-def]
        if mode == "train":
            return float("inf")
        at = original(self, mode, batch, plan, costs)
        if mode == "measure":
            found.append(at)
        return at

    monkeypatch.setattr(NumpyBackend, "compile_threshold", 2e-5)
    monkeypatch.setattr(gpubp.executor.machine.Machine, "_native_from", early)
    return found


def test_a_resume_changes_nothing(tmp_path: Path, repeats: list[int]) -> None:
    path = write_net(tmp_path, keys=STOP, length="epochs = 12")
    whole = train(path)
    assert 1 < repeats[0] < 10
    assert any(key[0] == "measure" for key in whole.executor._machine._native)
    for epochs in (2, 11):
        out = tmp_path / f"out{epochs}"
        train(path, epochs=epochs, out=out)
        resumed = train(path, resume=out)
        assert state(resumed) == state(whole)
        assert resumed.history == whole.history[epochs:]
        assert resumed.metrics == whole.metrics


def test_the_result_has_the_figures_of_its_epoch(tmp_path: Path, repeats: list[int]) -> None:
    for epochs in (3, 12):  # before and after
        run = train(write_net(tmp_path, keys=STOP, length=f"epochs = {epochs}"))
        assert run.best_epoch is not None
        assert run.metrics["valid.loss"] == run.history[run.best_epoch - 1]["valid.loss"]


def test_a_restart_is_validated_as_the_run_of_its_seed(tmp_path: Path, repeats: list[int]) -> None:
    path = write_net(tmp_path, keys=STOP)
    rows = gpubp.train(gpubp.load(path), "cpu", epochs=1).dataset.part("valid")
    together = Ensemble(gpubp.load(path), 3, "cpu", seed=0)
    together.fit(rows)
    for repeat in (0, 9):
        several = together.evaluate(rows, repeats=repeat)
        for k, figures in enumerate(several):
            assert together.member(k).evaluate(rows, repeats=repeat) == pytest.approx(figures, rel=1e-6)
    assert any(key[0] == "measure" for key in together._together._native)
