"""Training on data that stays in its files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.data import load, stream
from gpubp.executor import Ensemble

ROOT = Path(__file__).resolve().parents[2]
NET = """
data {{
  x = npy("x.npy", stream = {streamed})
  y = npy("y.npy")
  split = split(train = 80%, valid = 20%)
}}
model {{
  input  x: [4]
  target y: [1]
  output p = x -> standardize -> dense(8) -> tanh -> dense(1)
}}
train {{
  loss      = mse(p, y)
  optimizer = adam(lr = 0.02)
  epochs    = {epochs}
  batch     = 32
  shuffle   = {shuffle}
}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (500, 4)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", (x[:, :1] - x[:, 1:2] * 0.5).astype(np.float32))
    monkeypatch.setattr(stream, "BLOCK", 8 * 5 * 20)
    return tmp_path


def train(folder: Path, *, streamed: bool, epochs: int = 4, shuffle: bool = True, **options: object) -> gpubp.Run:
    path = folder / "net.net"
    words = {True: "true", False: "false"}
    path.write_text(NET.format(streamed=words[streamed], epochs=epochs, shuffle=words[shuffle]))
    return gpubp.train(gpubp.load(path), device="cpu", **options)  # type: ignore[arg-type]


def test_in_the_order_of_the_file_nothing_changes(folder: Path) -> None:
    """Without a shuffle the same rows make the same batches: to the bit, whatever is streamed."""
    a, b = train(folder, streamed=False, shuffle=False), train(folder, streamed=True, shuffle=False)
    assert a.metrics == b.metrics
    for (name, left), (_, right) in zip(a.executor.parameters.items(), b.executor.parameters.items(), strict=True):
        assert left.tobytes() == right.tobytes(), name


def test_shuffled_blocks_learn_as_well(folder: Path) -> None:
    a, b = train(folder, streamed=False, epochs=20), train(folder, streamed=True, epochs=20)
    assert b.dataset.streamed
    assert b.metrics["valid.loss"] < 1.5 * a.metrics["valid.loss"] < 0.3


def test_a_resume_goes_on_to_the_bit(folder: Path) -> None:
    whole = train(folder, streamed=True, epochs=4)
    train(folder, streamed=True, epochs=2, out=folder / "run")
    rest = train(folder, streamed=True, epochs=4, resume=folder / "run")
    assert whole.metrics == rest.metrics
    for name, array in whole.executor.parameters.items():
        assert array.tobytes() == rest.executor.parameters[name].tobytes(), name


LIMITED = """
import os, resource, sys
import numpy, gpubp.executor, gpubp.training  # what a run needs is there before memory is short
in_use = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
limit = in_use + {room}
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
assert os.path.getsize({path!r}) > 2 * limit, (os.path.getsize({path!r}), limit)
run = gpubp.train(gpubp.load({net!r}), device="cpu")
print(run.executor.step, run.metrics["train.loss"])
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux to know its memory")
def test_twice_the_memory_trains(tmp_path: Path) -> None:
    """A file twice as large as all memory that the process may address. Its rows are zeros but for the first thousand:
    the file system keeps no blocks for the others."""
    size, width = 9 << 26, 1 << 13
    rows = size // (4 * width)
    path = tmp_path / "x.npy"
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width})}}"
    text += " " * (117 - len(text)) + "\n"
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode())
        file.write(rng.normal(size=(100, width)).astype("<f4").tobytes())
        file.truncate(10 + len(text) + rows * width * 4)
    np.save(tmp_path / "y.npy", np.ones(rows, dtype=np.float32))
    (tmp_path / "net.net").write_text(
        'data {\n  x = npy("x.npy", stream = true)\n  y = npy("y.npy")\n}\n'
        f"model {{\n  input x: [{width}]\n  target y: [1]\n  output p = x -> dense(1)\n}}\n"
        "train {\n  loss = mse(p, y)\n  optimizer = sgd(lr = 0.01)\n  epochs = 1\n  batch = 256\n}\n"
    )
    code = LIMITED.format(room=150 << 20, path=str(path), net=str(tmp_path / "net.net"))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    steps, loss = done.stdout.split()
    assert int(steps) == -(-rows // 256)
    assert np.isfinite(float(loss))


@pytest.mark.parametrize("shuffle", [False, True])
def test_restarts_side_by_side_are_single_runs(folder: Path, shuffle: bool) -> None:
    words = {True: "true", False: "false"}
    text = NET.format(streamed="true", epochs=1, shuffle=words[shuffle])
    (folder / "net.net").write_text(text)
    net = gpubp.load(folder / "net.net")
    part = load(net.graph, net.base, 0).part("train")
    many = Ensemble(net, 3, "cpu", seed=5)
    many.run_steps(many.place(part), 30, 32)
    figures = many.evaluate(part)
    for k in range(3):
        one = gpubp.Executor(net, "cpu", seed=5 + k)
        one.run_steps(one.place(part), 30, 32)
        assert one.evaluate(part) == figures[k]
