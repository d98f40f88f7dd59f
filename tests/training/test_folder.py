"""What a run leaves behind: it stands alone, is never written over, and is whole whatever happens to the disk."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import gpubp
from gpubp.executor import checkpoint
from gpubp.frontend import Length, standalone_files
from gpubp.training import BEST, LAST, default_folder, read
from gpubp.training.pace import Pace

from .worlds import state, train, write_net


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save after every epoch."""
    monkeypatch.setattr(Pace, "SHARE", float("inf"))


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save after every step."""
    monkeypatch.setattr(Pace, "SHARE", float("inf"))
    monkeypatch.setattr(Pace, "LONGEST", 0.0)
    monkeypatch.setattr(Pace, "took", lambda self, steps, seconds: None)


def files(base: Path) -> dict[str, bytes]:
    return {str(path.relative_to(base)): path.read_bytes() for path in base.rglob("*") if path.is_file()}


# What stands in it


def test_the_file_as_written_and_as_it_stands_alone(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "inner.net").write_text("param depth = 1\nfn double(z, by = 2) = z * by\n", "utf-8")
    (tmp_path / "lib" / "blocks.net").write_text(
        'import "inner.net" as inner\nparam width = 3\n'
        "block wide() on x { return x -> dense(width) -> inner.double -> repeat inner.depth { tanh } }\n",
        "utf-8",
    )
    path = tmp_path / "a.net"
    path.write_text(
        'import "lib/blocks.net" as lib\nimport "lib/inner.net" as same\nparam rate = 1e-2\n'
        'data { x, y = csv("a.csv", target = "kind") }\n'
        "model { input x: [?n]\n  target y: class(?)\n  output p = x -> lib.wide -> dense(n) -> dense(2) -> softmax }\n"
        "train { loss = cross_entropy(p, y)\n  optimizer = sgd(lr = rate)\n  epochs = 2 }\n",
        "utf-8",
    )
    (tmp_path / "a.csv").write_text("a,b,kind\n1,2,yes\n3,4,no\n5,7,yes\n", "utf-8")
    net = gpubp.load(path, params={"rate": 0.5, "lib.width": 5, "lib.inner.depth": 2})
    run = gpubp.train(net, "cpu", out=tmp_path / "out")
    assert (tmp_path / "out" / "written.net").read_text("utf-8") == path.read_text("utf-8")
    for name, text in standalone_files(net).items():
        assert (tmp_path / "out" / name).read_text("utf-8") == text
    shutil.move(tmp_path / "out", tmp_path / "elsewhere")
    for gone in ("a.net", "lib/blocks.net", "lib/inner.net", "a.csv"):
        (tmp_path / gone).unlink()
    loaded = gpubp.load_run(tmp_path / "elsewhere", "cpu")
    assert loaded.net.params == net.params | {"n": 2}
    assert loaded.net.layout.parameters.keys() == net.layout.parameters.keys()
    assert loaded.words == {"y": ("no", "yes")}
    rows = [[1.0, 2.0], [0.0, -3.0]]
    assert (loaded.predict(rows) == run.executor.predict(rows)).all()


def test_env_says_how_it_was_made(tmp_path: Path) -> None:
    path = write_net(tmp_path)
    train(path, out=tmp_path / "out", epochs=2, seed=5)
    found = json.loads((tmp_path / "out" / "env.json").read_text("utf-8"))
    assert found["seed"] == 5
    assert found["rows"] == {"train": 36, "valid": 12, "test": 12}
    assert set(found["data"]) == {"a.csv"}
    assert len(found["data"]["a.csv"]) == 64
    assert {"gpubp", "device", "machine", "python", "numpy", "simd", "blas"} <= set(found["environment"])
    assert found["base"] == str(tmp_path)


def test_metrics_are_the_history_and_the_end(tmp_path: Path) -> None:
    run = train(write_net(tmp_path), out=tmp_path / "out", epochs=3)
    lines = [json.loads(line) for line in (tmp_path / "out" / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert lines == [*run.history, {"metrics": run.metrics, "health": []}]


def test_out_none_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_net(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = files(tmp_path)
    assert train(path, epochs=2).folder is None
    assert files(tmp_path) == before


def test_a_run_is_not_written_over(tmp_path: Path) -> None:
    path = write_net(tmp_path)
    train(path, out=tmp_path / "out", epochs=1)
    before = files(tmp_path)
    with pytest.raises(gpubp.CheckpointError, match=r"`.*out` already contains a run"):
        train(path, out=tmp_path / "out", epochs=1)
    assert files(tmp_path) == before


def test_two_processes_cannot_train_in_one_folder(tmp_path: Path) -> None:
    path = write_net(tmp_path)
    train(path, out=tmp_path / "out", epochs=1)

    def other(run: gpubp.Run) -> None:
        with pytest.raises(gpubp.CheckpointError, match="another process is training in"):
            train(path, out=tmp_path / "out", resume=tmp_path / "out", epochs=3)

    train(path, out=tmp_path / "out", resume=tmp_path / "out", epochs=2, callbacks=[other])
    train(path, out=tmp_path / "out", resume=tmp_path / "out", epochs=3)


def test_the_name_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "strftime", lambda form: "20260102-030405")
    net = gpubp.load(write_net(tmp_path))
    first = default_folder(net, None, None, None)
    assert first.parent == Path("runs")
    assert first.name.startswith("20260102-030405-a-")
    assert len(first.name) == len("20260102-030405-a-12345678")
    assert default_folder(net, None, None, None) == first
    assert default_folder(net, 1, None, None) != first
    first.mkdir(parents=True)
    assert default_folder(net, None, None, None).name == f"{first.name}-2"
    (tmp_path / f"{'n' * 250}.net").write_text(net.graph.source.text, "utf-8")
    default_folder(gpubp.load(tmp_path / f"{'n' * 250}.net"), None, None, None).mkdir()


# Steps and pieces


@pytest.mark.parametrize("step", [1, 5, 7, 12, 23])
def test_stopped_at_any_step_it_goes_on_bit_for_bit(tmp_path: Path, pieces: None, step: int) -> None:
    path = write_net(tmp_path, regular=" -> dropout(30%)")
    whole = train(path, out=tmp_path / "whole")
    asked = iter(range(1, 1000))
    part = train(path, out=tmp_path / "out", stopping=lambda: next(asked) >= step)
    assert (part.stopped, part.metrics, part.executor.step) == ("interrupted", {}, step)
    resumed = train(path, out=tmp_path / "out", resume=tmp_path / "out")
    assert state(resumed) == state(whole)
    assert [*part.history, *resumed.history] == whole.history
    for name in (LAST, BEST, "metrics.jsonl", "resolved.net"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_pieces_do_not_change_what_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_net(tmp_path, regular=" -> dropout(30%)")
    whole = train(path)
    monkeypatch.setattr(Pace, "took", lambda self, steps, seconds: setattr(self, "steps", 2))
    again = train(path)
    assert state(again) == state(whole)
    assert again.history == whole.history


def test_saving_takes_its_share_of_the_time_and_no_more() -> None:
    """Saves of 1 s in epochs of 2 s: the clock is the test's own."""
    pace, now, spent = Pace(last=0.0), 0.0, 0.0
    for _ in range(1000):
        now += 2.0
        if pace.due(now, epoch_ends=True, turns=1):
            pace.saved(now, now + 1.0)
            now, spent = now + 1.0, spent + 1.0
    assert 0.03 < spent / now < 0.05


def test_all_trainings_that_take_turns_save_in_that_share() -> None:
    """Each of 64 saves takes 0.1 s, each round of epochs 1 s."""
    paces, now, spent = [Pace(last=0.0) for _ in range(64)], 0.0, 0.0
    for _ in range(1000):
        now += 1.0
        for pace in paces:
            if pace.due(now, epoch_ends=True, turns=64):
                pace.saved(now, now + 0.1)
                now, spent = now + 0.1, spent + 0.1
    assert 0.03 < spent / now < 0.05


def test_long_epochs_are_saved_in_between() -> None:
    pace = Pace(last=0.0)
    assert not pace.due(59.0, epoch_ends=False, turns=1)
    assert pace.due(61.0, epoch_ends=False, turns=1)
    pace.saved(61.0, 71.0)
    assert not pace.due(200.0, epoch_ends=False, turns=1), "10 s of saving every 60 s are too much"
    assert pace.due(71.0 + 250.0, epoch_ends=False, turns=1)


def test_a_piece_takes_its_time_and_grows_by_four_at_most() -> None:
    pace = Pace()
    for steps, seconds, fitting in ((1, 1e-9, 4), (4, 0.0, 16), (16, 1.6, 2), (2, 60.0, 1)):
        pace.took(steps, seconds)
        assert pace.steps == fitting


def test_a_piece_of_several_epochs_ends_with_one_or_where_it_has_to() -> None:
    length, pace = Length(16, 7, 420), Pace(steps=64)
    assert [pace.piece(step, length, several=True) for step in (0, 5, 400)] == [63, 58, 20]
    assert [pace.piece(step, length, most, several=True) for step, most in ((0, 50), (5, 50), (0, 64))] == [50, 50, 63]
    assert [pace.piece(step, length, most, several=False) for step, most in ((0, 50), (5, 50), (5, 1))] == [7, 2, 1]
    pace.apart = 7
    assert [pace.piece(step, length, 50, several=True) for step in (0, 6, 7)] == [7, 1, 50]


# What may go wrong with the disk


def failing(monkeypatch: pytest.MonkeyPatch, after: int, fail: Callable[[Path], None]) -> None:
    """Let `fail` happen in place of the write number `after` of a checkpoint, and all later ones."""
    real, count = checkpoint.write, [0]

    def write(path: Path, content: bytes) -> None:
        if path.name == LAST:
            count[0] += 1
            if count[0] > after:
                fail(path)
        real(path, content)

    monkeypatch.setattr(checkpoint, "write", write)


def full(path: Path) -> None:
    """Half of the file is written, and then the disk is full."""
    real = os.fsync

    def fsync(number: int) -> None:
        os.fsync = real  # type: ignore[assignment]
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    os.fsync = fsync  # type: ignore[assignment]


def test_a_full_disk(tmp_path: Path, eager: None, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = write_net(tmp_path), tmp_path / "out"
    whole = train(path)
    with monkeypatch.context() as patch:
        failing(patch, 3, full)
        with pytest.raises(gpubp.SaveError, match="no space left on device; the training stopped at step 20") as caught:
            train(path, out=out)
    assert f"note: the checkpoint of step 15 in `{out}` is whole" in str(caught.value)
    assert read(out).about["step"] == 15
    assert not list(out.glob(".*")), "nothing half written is left"
    assert state(train(path, out=out, resume=out)) == state(whole)


def test_a_folder_that_is_deleted(tmp_path: Path, eager: None) -> None:
    def delete(run: gpubp.Run) -> None:
        if run.executor.step == 15:
            shutil.rmtree(tmp_path / "out")

    with pytest.raises(gpubp.SaveError, match=r"no such file or directory: the folder is gone; .* at step 15"):
        train(write_net(tmp_path), out=tmp_path / "out", callbacks=[delete])
    assert not (tmp_path / "out").exists(), "what was deleted is not half made again"


@pytest.mark.skipif(os.geteuid() == 0, reason="everything may be written by root")
def test_a_folder_that_becomes_read_only(tmp_path: Path, eager: None) -> None:
    out = tmp_path / "out"

    def lock(run: gpubp.Run) -> None:
        if run.executor.step == 15:
            out.chmod(0o500)

    try:
        with pytest.raises(gpubp.SaveError, match="permission denied"):
            train(write_net(tmp_path), out=out, callbacks=[lock])
    finally:
        out.chmod(0o700)
    assert read(out).about["step"] == 10
    out.chmod(0o500)
    try:
        with pytest.raises(gpubp.CheckpointError, match="permission denied"):
            train(write_net(tmp_path), out=out, resume=out)
    finally:
        out.chmod(0o700)


def test_a_divergence_leaves_the_last_good_state(tmp_path: Path, eager: None) -> None:
    out = tmp_path / "out"

    def spoil(run: gpubp.Run) -> None:
        if run.executor.step == 15:
            run.executor.parameters["p.dense.weight"][1, 2] = float("inf")

    with pytest.raises(
        gpubp.DivergedError, match=r"after step 15 the parameter `p\.dense\.weight` is no longer"
    ) as caught:
        train(write_net(tmp_path), out=out, callbacks=[spoil])
    assert f"note: the checkpoint of step 10 in `{out}` is whole" in str(caught.value)
    assert read(out).about["step"] == 10
