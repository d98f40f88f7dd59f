"""The GPU's path over the stand-in for CuPy, which refuses what CuPy refuses: whole trainings, nothing left out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.backends import CupyBackend
from gpubp.executor.ensemble import Ensemble
from gpubp.health.gauges import sizes
from tests.stand_in.fake_cupy import cupy

from .nets import LABELS, labelled

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", cupy)


@pytest.mark.parametrize(
    "model", ["xor", "iris", "digits", "digits_tuned", "diabetes", "worked_example", "spiral", "xor_numpy"]
)
def test_models_train_alike(model: str) -> None:
    net = gpubp.load(MODELS / f"{model}.net")
    gpu, cpu = (gpubp.train(net, device=device, epochs=2) for device in ("gpu", "cpu"))
    assert isinstance(next(iter(gpu.executor.parameters.values())), cupy.ndarray)
    assert gpu.metrics == cpu.metrics
    for name, array in cpu.executor.state_dict().items():
        np.testing.assert_array_equal(gpu.executor.state_dict()[name], array)


EVERYTHING = """
model {
  input  x: [3]
  target y: class(3)
  hidden   = x -> dense(4) -> tanh -> dense(4) -> dropout(20%)
  output p = hidden -> dense(3) -> softmax
}
train {
  loss       = cross_entropy(p, y, smooth = 0.1, weights = [1, 1, 2]) + focal(p, y, gamma = 0.5)
  optimizer  = OPTIMIZER
  schedule   = SCHEDULE
  accumulate = 2
  average    = ema(0.9)
  freeze     = [hidden.dense]
  rates      = [rate(p, 3)]
  clip       = clip_norm(0.1)
  metrics    = [top_k(p, y, k = 2), precision(p, y), recall(p, y, average = micro), f1(p, y, of = 1), auc(p, y),
                perplexity(p, y)]
  epochs     = 4
}
"""


@pytest.mark.parametrize(
    ("optimizer", "schedule"),
    [
        ("lion(decay = 0.1)", "warmup(3steps, cosine_restarts(2steps, growth = 2))"),
        ("nadam", "one_cycle"),
        ("adamax", "drops(at = [1epochs, 4steps])"),
        ("amsgrad", "inverse_sqrt(3steps)"),
        ("adagrad", "polynomial"),
        ("adam", "cyclic(2steps, rise = 30%, factor = 50%)"),
        ("adadelta", "exponential(0.9, every = 1epochs)"),
        ("rprop(backtrack = true)", "step(1epochs, factor = 0.5)"),
        ("quickprop", "linear"),
    ],
)
def test_every_key_of_train(optimizer: str, schedule: str) -> None:
    net = gpubp.loads(EVERYTHING.replace("OPTIMIZER", optimizer).replace("SCHEDULE", schedule))
    rng = np.random.default_rng(0)
    rows = {"x": rng.normal(size=(22, 3)), "y": rng.integers(0, 3, 22)}
    gpu, cpu = (gpubp.Executor(net, device=device, seed=1) for device in ("gpu", "cpu"))
    losses = [np.asarray(ex.backend.to_host(ex.train_steps(rows, steps=9, batch=8))) for ex in (gpu, cpu)]
    np.testing.assert_array_equal(*losses)
    assert gpu.evaluate(rows) == cpu.evaluate(rows)
    assert gpu.counters == cpu.counters
    state = cpu.state_dict()
    for name, array in gpu.state_dict().items():
        np.testing.assert_array_equal(array, state[name])


def test_the_whole_interface() -> None:
    net = gpubp.load(MODELS / "iris.net")
    ex = gpubp.Executor(net, device="gpu:0", seed=3)
    names = {node.label for node in (*net.graph.inputs, *net.graph.targets)}
    features = next(node.label for node in net.graph.inputs)
    rows = {name: [[5.1, 3.5, 1.4, 0.2], [6.2, 2.9, 4.3, 1.3]] if name == features else [0, 1] for name in names}
    ex.fit(rows)
    before = ex.loss(rows)
    loss, gradients = ex.gradients(rows)
    assert set(gradients) == set(ex.parameters)
    assert loss == pytest.approx(before, rel=1e-5)
    assert ex.train_step(rows) == pytest.approx(loss)
    assert ex.train_steps(rows, steps=5, batch=1).shape == (5,)
    assert isinstance(ex.predict(rows[features]), cupy.ndarray)
    ex.set_parameters({name: value * 0 for name, value in ex.parameters.items()})
    state = ex.state_dict()
    ex.load_state_dict(state)
    assert all(isinstance(value, np.ndarray) for value in state.values())
    with pytest.raises(gpubp.InputError, match=r"`sizes\[1"):
        ex.predict([[1.0, 2.0, 3.0, 4.0], [1.0, float("nan"), 3.0, 4.0]])


@pytest.mark.parametrize("kind", ["uint8", "int8", "int32", "int64", "uint64", "float32", "float64"])
def test_labels_of_any_type_are_taken_as_on_the_cpu(kind: str) -> None:
    data = labelled(8)
    net = gpubp.loads(LABELS)
    gpu, cpu = (gpubp.Executor(net, device=device) for device in ("gpu", "cpu"))
    wanted = cpu.loss(data)
    typed = {**data, "label": data["label"].astype(kind), "kind": data["kind"].astype(kind)}
    assert gpu.loss(typed) == cpu.loss(typed) == wanted
    assert gpu.loss({name: cupy.asarray(value) for name, value in typed.items()}) == wanted


@pytest.mark.parametrize("label", [1.5, -1, 4, 4.0, float("nan"), float("inf"), 1e30])
def test_labels_that_are_none_are_refused_as_on_the_cpu(label: float) -> None:
    data = labelled(8)
    wrong = data["label"].astype(type(label))
    wrong[3] = label
    net, said = gpubp.loads(LABELS), []
    for device, array in (("cpu", wrong), ("gpu", wrong), ("gpu", cupy.asarray(wrong))):
        ex = gpubp.Executor(net, device=device)
        for call in (ex.loss, ex.train_step):
            with pytest.raises(gpubp.InputError, match=r"`label\[3\]`: ") as caught:
                call({**data, "label": array})
            said.append(str(caught.value))
    assert len(set(said)) == 1
    with pytest.raises(gpubp.InputError, match=r"`label` has shape \(8, 1\), it needs \(rows,\)"):
        ex.loss({**data, "label": cupy.asarray(data["label"])[:, None]})


def test_a_gpu_that_is_not_there() -> None:
    with pytest.raises(gpubp.DeviceError, match="there is no GPU 7"):
        gpubp.Executor(gpubp.load(MODELS / "xor.net"), device="gpu:7")


def test_a_run_is_saved_resumed_and_read_back(tmp_path: Path) -> None:
    net = gpubp.load(MODELS / "digits.net")
    whole = gpubp.train(net, "gpu", epochs=3)
    gpubp.train(net, "gpu", out=tmp_path / "run", epochs=1)
    resumed = gpubp.train(net, "gpu", out=tmp_path / "run", resume=tmp_path / "run", epochs=3)
    assert resumed.warnings == []
    assert resumed.metrics == whole.metrics
    on_cpu = gpubp.train(net, "cpu", resume=tmp_path / "run", epochs=3)
    assert "device GPU 0 (stand-in, " in on_cpu.warnings[0], "the bytes may be others on another device"
    loaded = gpubp.load_run(tmp_path / "run", "gpu")
    outputs = loaded.predict(MODELS / "data" / "digits.csv.gz", 100)
    assert isinstance(outputs["p"], cupy.ndarray)
    assert loaded.labels(outputs)["digit"].shape == (1797,)


def test_the_first_bad_value_is_found() -> None:
    text = """
data { x = [[1], [2]]
  y = [[0], [1]] }
model { input x: [1]
  target y: [1]
  output p = log(x - 2) -> dense(1) }
train { loss = mse(p, y)
  optimizer = sgd(lr = 0.1)
  epochs = 1 }
"""
    with pytest.raises(gpubp.DivergedError, match=r"not finite is NaN, in `p\.log`, `log\(x - 2\)` at"):
        gpubp.train(gpubp.loads(text), "gpu")


def test_a_net_larger_than_the_gpu() -> None:
    text = "model { input x: [1]\n  output p = x -> dense(20000) -> dense(20000) }"
    with pytest.raises(gpubp.GpubpError, match=r"does not fit into memory: 1\.5 GiB of weights.* are free on the GPU"):
        gpubp.Executor(gpubp.loads(text), "gpu")


def test_a_library_that_cupy_does_not_find(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is loaded at the first product."""

    def multiply(a: Any, b: Any) -> Any:
        raise ImportError("libcublas.so.12: cannot open shared object file")

    ex = gpubp.Executor(gpubp.loads(LABELS), "gpu", backend="cupy")
    monkeypatch.setattr(cupy.ndarray, "__matmul__", multiply)
    monkeypatch.setattr(cupy, "matmul", lambda a, b, out: multiply(a, b))
    with pytest.raises(gpubp.DeviceError, match=r"a library of CUDA is missing: libcublas\.so\.12: .*`gpubp doctor`"):
        ex.loss(labelled(12))


def test_whatever_computes_does_so_on_the_executors_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """With several GPUs, CuPy makes arrays on that of the thread, and refuses to compute with those of another."""
    depth, real = [0], CupyBackend.running

    @contextmanager
    def running(self: CupyBackend) -> Iterator[None]:
        depth[0] += 1
        with real(self):
            yield
        depth[0] -= 1

    def inside(call: Callable[..., Any]) -> Callable[..., Any]:
        def checked(*arguments: Any, **options: Any) -> Any:
            assert depth[0], "on the device of the thread, which may be another"
            return call(*arguments, **options)

        return checked

    net = gpubp.loads(LABELS)
    rows = labelled(12)
    ex, several = gpubp.Executor(net, "gpu"), Ensemble(net, 2, "gpu")
    monkeypatch.setattr(CupyBackend, "running", running)
    for name in ("isfinite", "empty", "array", "asarray", "stack", "concatenate"):
        monkeypatch.setattr(cupy, name, inside(getattr(cupy, name)))
    for name in ("__add__", "__setitem__", "max"):
        monkeypatch.setattr(cupy.ndarray, name, inside(getattr(cupy.ndarray, name)))
    ex.train_steps(rows, steps=3, batch=4)
    ex.train_step(rows)
    ex.require_finite()
    ex.predict({name: rows[name] for name in ("x", "kind")})
    ex.load_state_dict(ex.state_dict())
    sizes(ex, rows)
    ex.snapshot()()
    several.run_steps(several.place(rows), 3, 4)
    several.evaluate(rows)
    several.snapshot()()
    several.stop(1)
    several.member(1).require_finite()


def test_an_ensemble_predicts_alike() -> None:
    net, found = gpubp.load(MODELS / "iris.net"), list[tuple[Any, ...]]()
    for device in ("gpu", "cpu"):
        runs: list[gpubp.Run] = []
        gpubp.replicate(net, 2, device, epochs=2, ended=lambda _, run, runs=runs: runs.append(run))
        ensemble = gpubp.Ensemble(runs)
        rows = runs[0].dataset.part("test")
        mean, std = ensemble.mean_std({"sizes": rows["sizes"]})
        assert isinstance(mean["p"], np.ndarray)
        found.append((mean["p"].tobytes(), std["p"].tobytes(), ensemble.evaluate(rows), ensemble.labels(mean)))
    assert found[0][:3] == found[1][:3]
    assert found[0][3]["species"].tolist() == found[1][3]["species"].tolist()
