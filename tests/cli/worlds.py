"""The command line, called in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gpubp.cli import main

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"

NET = """
data {
  x, y = csv("a.csv", target = "y"DATA)
SPLIT}

model {
  input  x: [2]
  target y: [1]
  output p = x -> dense(3) -> tanh -> dense(1)
}

train {
  loss      = mse(p, y)
  optimizer = sgd(lr = 0.1)
  epochs    = 3
}
"""

ROWS = "a,b,y\n" + "".join(f"{i},{i * i / 10},{i % 3}\n" for i in range(10))


@dataclass(frozen=True, slots=True)
class Said:
    """Exit code and what was printed."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> int:
        return sum(line.startswith(("error", "gpubp run: error", "gpubp: error")) for line in self.err.splitlines())


Call = Callable[..., Said]


def caller(capsys: pytest.CaptureFixture[str]) -> Call:
    def call(*words: str | Path) -> Said:
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:  # argparse's way
            code = int(end.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call


def process(*words: str | Path, stdin: str | None = None, **environment: str) -> Said:
    done = subprocess.run(
        [sys.executable, "-m", "gpubp", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        input=stdin,
        env={**os.environ, **environment},
    )
    return Said(done.returncode, done.stdout, done.stderr)


def write(base: Path, *, net: str = NET, rows: str | bytes | None = ROWS, data: str = "", split: str = "") -> Path:
    """A folder with a.net and a.csv; `data` are more options of its reader, `split` a line of its `data` section."""
    path = base / "a.net"
    path.write_text(net.replace("DATA", data).replace("SPLIT", split), "utf-8")
    if rows is not None:
        (base / "a.csv").write_bytes(rows if isinstance(rows, bytes) else rows.encode())
    return path


def files(base: Path) -> list[str]:
    return sorted(str(path.relative_to(base)) for path in base.rglob("*"))
