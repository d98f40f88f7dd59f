"""Whole trainings by compiled CUDA, on a double of a GPU: the numbers of the CPU, and what the device is asked for."""

from __future__ import annotations

import gzip
import logging
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.backends.cuda import stream
from gpubp.backends.cuda.stream import MAX_STEPS, MAX_WORKS
from gpubp.executor import profile
from gpubp.training import loop
from gpubp.training.pace import Pace
from tests.gpu.test_compiled import rows_of

from .conftest import Use
from .double import HostDevice
from .host import needs_host

pytestmark = needs_host
MODELS = Path(__file__).parents[2] / "models"


def losses(run: gpubp.Run) -> list[float]:
    return [record["train.loss"] for record in run.history]


@pytest.mark.parametrize(("model", "epochs"), [("xor", 30), ("iris", 3), ("diabetes", 2)])
def test_curves_are_those_of_the_cpu(use: Use, model: str, epochs: int, way: str) -> None:
    curves(use(), model, epochs, way)


@pytest.mark.parametrize(("model", "epochs"), [("spiral", 3), ("digits", 1)])
def test_curves_of_what_is_too_large_for_a_block(use: Use, model: str, epochs: int) -> None:
    curves(use(), model, epochs, "replay")


def test_curves_of_a_convolutional_net(use: Use, tmp_path: Path) -> None:
    """On a twentieth of its rows: two whole batches of an epoch, and a smaller one."""
    (tmp_path / "data").mkdir()
    table = gzip.decompress((MODELS / "data" / "digits.csv.gz").read_bytes()).splitlines(keepends=True)
    (tmp_path / "data" / "digits.csv.gz").write_bytes(gzip.compress(b"".join(table[:101])))
    text = (MODELS / "digits_cnn.net").read_text("utf-8")
    (tmp_path / "digits_cnn.net").write_text(text.replace("batch     = 64", "batch     = 32"), "utf-8")
    curves(use(), "digits_cnn", 2, "replay", tmp_path, width=4)


def curves(device: HostDevice, model: str, epochs: int, way: str, folder: Path = MODELS, **params: int) -> None:
    net = gpubp.load(folder / f"{model}.net", params=params)
    gpu, cpu = (gpubp.train(net, d, epochs=epochs, precision="float64", backend=b) for d, b in PLACES)
    assert way in device.log
    np.testing.assert_allclose(losses(gpu), losses(cpu), rtol=1e-9)


PLACES = (("gpu", "auto"), ("cpu", "numpy"))


def test_steps_of_a_convolutional_net(use: Use) -> None:
    """Many in a row, by kernels alone: the host launches one graph for each, and waits once."""
    device = use()
    net, rng = gpubp.load(MODELS.parent / "benchmarks" / "cases" / "cnn.net"), np.random.default_rng(0)
    rows = {"x": rng.normal(size=(12, 28, 28, 1)), "y": rng.integers(0, 10, 12)}
    found = []
    for place, backend in PLACES:
        ex = gpubp.Executor(net, place, "float64", backend=backend)
        placed = ex.place(rows)
        losses = [ex.backend.to_host(ex.run_steps(placed, count, 4)[0]) for count in (1, 4)]
        weights = [ex.backend.to_host(w).ravel() for w in ex.parameters.values()]
        found.append(np.concatenate([*losses, *weights]))
    graph, *replays, last = device.log[-6:]
    assert graph.startswith("graph of")
    assert (replays, last) == (["replay"] * 4, "read")
    np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("graphs")
def test_with_and_without_capture_the_same_bytes(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    net = gpubp.load(MODELS / "iris.net")
    states = []
    for options in ({}, {"captures": False}, {"order": 1}):
        device = use(**options)
        with caplog.at_level(logging.WARNING, "gpubp"):
            states.append(gpubp.train(net, "gpu", epochs=3).executor.state_dict())
        assert ("replay" in device.log) == device.captures
    assert [r.message for r in caplog.records] == ["the GPU runs each kernel of a step by itself: not on this device"]
    for other in states[1:]:
        for name, array in states[0].items():
            np.testing.assert_array_equal(array, other[name])


@pytest.mark.usefixtures("graphs")
def test_what_a_device_is_asked_for(use: Use) -> None:
    """Memory is there before a graph is captured, nothing is copied in between, and the host waits once a call."""
    device = use()
    ex = gpubp.Executor(gpubp.load(MODELS / "xor.net"), "gpu")
    placed = ex.place({"x": [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], "y": [[0.0], [1.0], [1.0], [0.0]]})
    ex.run_steps(placed, 1, 4)
    first = list(device.log)
    assert first[0] == "module"
    assert first.index("memory") < first.index("write") < first.index("train_take")
    assert first[-1] == "read"
    device.log.clear()
    ex.run_steps(placed, 50, 4)
    works = first.index("read") - first.index("train_take")
    several = min(MAX_STEPS, MAX_WORKS // works)
    graphs = f"graph of {several * works}", f"graph of {works}"
    counts = divmod(50, several)
    wanted = [x for graph, n in zip(graphs, counts, strict=True) for x in (graph, *["replay"] * n)]
    assert device.log == ["write", *wanted, "read"]
    device.log.clear()
    ex.run_steps(placed, 3, 4)
    assert device.log == ["write", *["replay"] * 3, "read"]


@pytest.mark.usefixtures("graphs")
@pytest.mark.parametrize("most", [1, 3])
def test_several_steps_in_a_graph_are_as_many_steps(most: int, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_STEPS", most)
    device = use()
    ex = gpubp.Executor(gpubp.load(MODELS / "iris.net"), "gpu")
    ex.train_steps(rows_of(ex.net, 40), 11, 10)
    assert ex.step == 11
    assert device.log.count("replay") == (10 if most == 1 else 4)
    use(captures=False)
    other = gpubp.Executor(ex.net, "gpu")
    other.train_steps(rows_of(ex.net, 40), 11, 10)
    for name, array in ex.state_dict().items():
        np.testing.assert_array_equal(array, other.state_dict()[name])


def test_evaluation_and_prediction_are_compiled(use: Use) -> None:
    device = use()
    net, rng = gpubp.load(MODELS / "digits_cnn.net", params={"width": 4}), np.random.default_rng(0)
    rows = {"image": rng.normal(size=(5, 8, 8, 1)), "digit": rng.integers(0, 10, 5)}
    gpu, cpu = (gpubp.Executor(net, d, "float64", backend=b) for d, b in PLACES)
    for ex in (gpu, cpu):
        ex.train_steps(rows, 1, 5)
    for ask in ("predict", "measure"):
        for again in range(3):
            device.log.clear()
            found = [
                np.asarray(ex.backend.to_host(ex.predict(rows["image"]))) if ask == "predict" else ex.loss(rows)
                for ex in (gpu, cpu)
            ]
            np.testing.assert_allclose(*found, rtol=1e-9)
            kernels = [entry for entry in device.log if entry.startswith(ask)]
            assert bool(kernels) == (again == 0), device.log
            assert ("replay" in device.log) == (again > 0)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_r2_of_targets_far_from_zero(use: Use, precision: str) -> None:
    """Of several pieces, the last one padded; at the spacing of the numbers of each type."""
    device, far = use(), 1e9 if precision == "float64" else 1e4
    text = TEXT.replace("x -> dense(3) -> tanh -> dense(1)", "1 * x").replace("[2]", "[1]")
    net = gpubp.loads(text.replace("lr = 0.1)", "lr = 0.1)\n  metrics   = [r2(p, y)]"))
    y = far + np.random.default_rng(0).normal(size=(4500, 1)).astype(precision)
    rows = {"x": y + np.random.default_rng(1).normal(size=y.shape).astype(precision), "y": y}
    wanted = 1 - ((rows["x"] - y).astype(float) ** 2).sum() / ((y.astype(float) - y.mean(dtype=float)) ** 2).sum()
    gpu, cpu = (gpubp.Executor(net, d, precision, backend=b) for d, b in PLACES)
    for ex in (gpu, cpu):
        assert ex.evaluate(rows)["r2"] == pytest.approx(wanted, rel=1e-11)
    assert any(entry.startswith("measure") for entry in device.log)


TEXT = """
model {
  input  x: [2]
  target y: [1]
  output p = x -> dense(3) -> tanh -> dense(1)
}
train {
  loss      = mse(p, y)
  optimizer = sgd(lr = 0.1)
}
"""


def _rows(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"x": rng.normal(size=(count, 2)), "y": rng.normal(size=(count, 1))}


def test_where_the_time_of_a_step_goes(use: Use, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use()
    monkeypatch.setattr(profile, "AT_ONCE", 2)
    monkeypatch.setattr(profile, "SECONDS", 0.0)
    net, rng = gpubp.load(MODELS / "iris.net"), np.random.default_rng(0)
    ex = gpubp.Executor(net, "gpu")
    found = ex.profile({"sizes": rng.normal(size=(16, 4)), "species": rng.integers(0, 3, 16)}, 16)
    assert found.rows == 16
    assert any(kernel.compiled for kernel in found.kernels)


def test_a_rate_that_changes_between_steps(use: Use, way: str) -> None:
    use()
    net, rows = gpubp.loads(TEXT), _rows(12)
    results = []
    for device, backend in PLACES:
        ex = gpubp.Executor(net, device, "float64", backend=backend)
        found = [np.asarray(ex.backend.to_host(ex.train_steps(rows, 5, 4)))]
        ex.set_counters({"rate_scale": 0.1})
        found.append(np.asarray(ex.backend.to_host(ex.train_steps(rows, 5, 4))))
        results.append(np.concatenate(found))
    np.testing.assert_allclose(*results, rtol=1e-12)


def test_batches_that_do_not_divide_the_rows(use: Use, way: str) -> None:
    use()
    net, rows = gpubp.loads(TEXT), _rows(11)
    gpu, cpu = (gpubp.Executor(net, d, "float64", backend=b) for d, b in PLACES)
    found = [np.asarray(ex.backend.to_host(ex.train_steps(rows, 17, 4))) for ex in (gpu, cpu)]
    np.testing.assert_allclose(*found, rtol=1e-12)
    assert gpu.step == cpu.step == 17


def test_a_step_that_the_guard_stops_is_the_last(use: Use, way: str) -> None:
    """Those launched after it find the same numbers, and change nothing either."""
    device = use()
    net, rows = gpubp.loads(TEXT), _rows(40)
    rows["y"][21] = 1.5e308
    told = []
    for place, backend in PLACES:
        ex = gpubp.Executor(net, place, "float64", backend=backend)
        ex.train_steps(_rows(40), 10, 4)
        with pytest.raises(gpubp.DivergedError) as error:
            ex.train_steps(rows, 10, 4)
        told.append((str(error.value), ex.step))
        weights = {k: np.asarray(ex.backend.to_host(v)) for k, v in ex.parameters.items()}
        told.append(weights)
    assert told[0] == told[2]
    for name, array in told[1].items():
        np.testing.assert_allclose(told[3][name], array, rtol=1e-12)
    assert way in device.log


def test_kernels_that_cannot_be_compiled(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    use(broken="NVRTC failed: out of luck")
    net = gpubp.load(MODELS / "iris.net")
    with caplog.at_level(logging.WARNING, "gpubp"):
        run = gpubp.train(net, "gpu", epochs=1)
    assert [r.message for r in caplog.records] == ["CuPy continues without compiled kernels: NVRTC failed: out of luck"]
    assert "out of luck" in run.executor.backend.description
    assert losses(run) == losses(gpubp.train(net, "cpu", epochs=1, backend="numpy"))


def test_a_device_that_captures_badly_is_found(use: Use) -> None:
    device = use()
    memory = device.memory(8)
    with pytest.raises(AssertionError, match="write while a graph is captured"):
        device.graph(lambda: memory.write(b"x"))


@pytest.mark.parametrize(("name", "epochs", "most"), [("xor", 400, 6), ("spiral", 12, 6), ("parity", 150, 3)])
def test_one_wait_for_many_epochs(name: str, epochs: int, most: int, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody looks at the state between them: full batches of `xor`, and three restarts of `parity`;
    shuffled batches of `spiral`, whose last one is as large as the others."""
    monkeypatch.setattr(Pace, "took", lambda self, steps, seconds: setattr(self, "steps", 1000))
    net = gpubp.load(MODELS / f"{name}.net", params={"starts": 3} if name == "parity" else {})
    found = []
    for several in (True, False):
        device = use()
        if not several:
            monkeypatch.setattr(loop, "may_run_ahead", lambda net: False)
        run = gpubp.train(net, "gpu", epochs=epochs)
        found.append(({name: array.tobytes() for name, array in run.executor.state_dict().items()}, run.history))
        blocks = device.log.count("restarts_block" if name == "parity" else "train_block")
        assert blocks < most if several else blocks >= epochs, blocks
    assert found[0] == found[1]
