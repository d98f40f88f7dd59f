"""What differs on Windows, as far as it shows elsewhere; `make check` checks all types as on each system."""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from pathlib import Path, PureWindowsPath
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import dsl.source
from gpubp import locking
from gpubp.cli.quoting import join, quoted
from gpubp.paths import relative

fcntl = pytest.importorskip("fcntl", reason="this is Windows itself")


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")


@pytest.fixture(params=["here", "windows"])
def lock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module `locking`; on Windows a file is locked by `msvcrt`, which has locks that wait for nobody."""
    if request.param == "here":
        return locking

    def take(file: int, mode: int, count: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(13, "permission denied") from None

    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=2, locking=take))
    monkeypatch.setattr(sys, "platform", "win32")
    spec = importlib.util.spec_from_file_location("locking_on_windows", locking.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_folder_has_one_lock(lock: Any, tmp_path: Path) -> None:
    held = lock.FolderLock(tmp_path)
    with pytest.raises(BlockingIOError):
        lock.FolderLock(tmp_path)
    held.release()
    held.release()
    assert not [*tmp_path.iterdir()]
    with lock.FolderLock(tmp_path), pytest.raises(BlockingIOError):
        lock.FolderLock(tmp_path)
    with pytest.raises(FileNotFoundError):
        lock.FolderLock(tmp_path / "nowhere")


def test_a_lock_is_waited_for(lock: Any, tmp_path: Path) -> None:
    held, order = lock.FolderLock(tmp_path), []

    def wait() -> None:
        with lock.FolderLock(tmp_path, wait=True):
            order.append("waited")

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.05)
    order.append("released")
    held.release()
    waiting.join()
    assert order == ["released", "waited"]


def test_commands_have_double_quotes(windows: None) -> None:
    assert quoted(r"runs\2026-xor") == r"runs\2026-xor"
    assert quoted(r"my runs\a") == r'"my runs\a"'
    assert (
        join(["gpubp", "run", r"my nets\a.net", "--set", "rate=1e-3"]) == r'gpubp run "my nets\a.net" --set rate=1e-3'
    )


def test_a_path_to_another_drive_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert relative(tmp_path / "a.csv", tmp_path / "nets") == Path("../a.csv")

    def other_drive(path: Path, start: Path) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", other_drive)
    assert relative(tmp_path / "a.csv", tmp_path / "nets") == (tmp_path / "a.csv").resolve()


def test_the_path_of_a_source_has_slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dsl.source, "PurePath", PureWindowsPath)
    assert dsl.source.Source(r"C:\nets\deep\..\a.net", "").path == "C:/nets/a.net"
