from __future__ import annotations

from pathlib import Path

import pytest

from .worlds import Call, caller


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """The command line, in an empty folder: runs are saved where it stands."""
    monkeypatch.chdir(tmp_path)
    return caller(capsys)
