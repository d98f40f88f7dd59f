"""Five trainings killed at random moments; `make soak` kills more."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_killed_training_loses_nothing() -> None:
    # One thread: the process forks.
    done = subprocess.run(
        [sys.executable, "-m", "tests.robustness.kills", "5"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.fullmatch(
        r"5 trainings of [\d.]+, [\d.]+, [\d.]+ s, (\d+) kills, (\d+) of them during a save: 0 failures\n", done.stdout
    )
    assert told is not None
    assert int(told[1]) >= 5
