"""The folder that a run is to be saved to, before the first save: whose it is, and what is told of it at once."""

from __future__ import annotations

import errno
import json
import resource
from pathlib import Path

import pytest

import gpubp
from gpubp.training import LAST, net_of
from gpubp.training.folder import RunFolder

from .worlds import train, write_net


def test_two_that_begin_at_once(tmp_path: Path) -> None:
    """The second is told at once, not when the first has saved its run, or is done."""
    net, out = write_net(tmp_path), tmp_path / "deep" / "out"

    def begin(run: gpubp.Run) -> None:
        with pytest.raises(gpubp.CheckpointError, match=f"another process is training in `{out}`"):
            RunFolder(out, resumed=False)
        assert not list(out.iterdir()), "before the first save"

    train(net, out=out, epochs=1, callbacks=[begin])
    assert (out / LAST).is_file()
    with pytest.raises(gpubp.CheckpointError, match="already contains a run"):
        RunFolder(out, resumed=False)
    other = RunFolder(tmp_path / "other" / "one", resumed=False)
    (tmp_path / "other" / "mine").touch()
    other.close()
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["mine"], "what is not its own stays"


def test_a_folder_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, *arguments: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    net = write_net(tmp_path)
    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(gpubp.CheckpointError, match=r"permission denied; `--out DIR`, .* saves elsewhere$"):
        train(net, out=tmp_path / "out")


def test_what_a_kill_left_half_written_is_taken_away(tmp_path: Path) -> None:
    net, out = write_net(tmp_path), tmp_path / "out"
    train(net, out=out, epochs=1)
    (out / f".{LAST}.saving").write_bytes(b"half")
    train(net, out=out, resume=out, epochs=2)
    assert not list(out.glob(".*"))


def test_a_disk_that_is_full_from_the_start(tmp_path: Path) -> None:
    net, out = write_net(tmp_path), tmp_path / "out"
    there = sorted(tmp_path.iterdir())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        with pytest.raises(gpubp.SaveError, match=f"cannot save to `{out}`: file too large$"):
            train(net, out=out, callbacks=[lambda run: pytest.fail("nothing is trained")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert sorted(tmp_path.iterdir()) == there, "nothing is left"
    (tmp_path / "link").symlink_to("link")
    with pytest.raises(gpubp.CheckpointError, match=f"to `{tmp_path}/link/run`: `{tmp_path}/link` links to nothing$"):
        train(net, out=tmp_path / "link" / "run")
    with pytest.raises(gpubp.CheckpointError, match=r"cannot save to `/proc/nowhere`: no such file or directory$"):
        train(net, out=Path("/proc/nowhere"), callbacks=[lambda run: pytest.fail("nothing is trained")])


def test_a_run_goes_on_where_its_project_has_moved(tmp_path: Path) -> None:
    """With the net's file, its import and its data; and every file has the bytes of the run that nobody stopped."""
    project = tmp_path / "a"
    (project / "lib").mkdir(parents=True)
    (project / "lib" / "parts.net").write_text("param width = 2\nblock twice() on x { return x + x }\n", "utf-8")
    path = write_net(project, regular=" -> parts.twice -> dense(parts.width)")
    path.write_text('import "lib/parts.net" as parts\n' + path.read_text("utf-8"), "utf-8")
    net = gpubp.load(path, {"parts.width": 3})
    whole = tmp_path / "whole"
    gpubp.train(net, "cpu", out=whole)
    gpubp.train(net, "cpu", out=project / "runs" / "r", stopping=lambda: True)
    out = project.rename(tmp_path / "b") / "runs" / "r"
    for stopping in (lambda: True, None):
        gpubp.train(net_of(out), "cpu", out=out, resume=out, stopping=stopping)
    for name in (LAST, "metrics.jsonl", "resolved.net", "imports/1_parts.net"):
        assert (whole / name).read_bytes() == (out / name).read_bytes()
    assert len([*(out / "imports").iterdir()]) == 1


def test_a_run_says_when_it_started_not_when_it_was_first_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(run: gpubp.Run) -> None:
        monkeypatch.setattr("time.strftime", lambda form: "later")

    train(write_net(tmp_path), out=tmp_path / "out", epochs=1, callbacks=[wait])
    assert json.loads((tmp_path / "out" / "env.json").read_text("utf-8"))["started"] != "later"
