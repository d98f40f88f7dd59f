"""An executor with compiled kernels: the numbers of NumPy to rounding, and its own to the bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpubp
from gpubp.backends.numpy import NumpyBackend
from gpubp.errors import DivergedError
from gpubp.executor import feeding
from gpubp.executor.ensemble import Ensemble
from tests.render.compiled import FEWER, LONG, QUICK, needs_compiler

from .nets import DROPOUT, PLAIN, contents, rows
from .test_ensemble import rows_for

pytestmark = needs_compiler
MODELS = sorted(Path("models").glob("*.net"))


def native(text: str = PLAIN, precision: str | None = None, backend: str = "native", seed: int = 0) -> gpubp.Executor:
    return gpubp.Executor(gpubp.loads(text), "cpu", precision, seed, backend)


def _models() -> Iterator[Any]:
    """All but LONG, with layers FEWER; in `make sanitize` these too, and all in full."""
    for path in MODELS:
        if path.stem not in LONG:
            yield pytest.param(path, FEWER.get(path.stem, {}), id=path.stem)
        if path.stem in (*LONG, *FEWER):
            yield pytest.param(path, {}, id=f"{path.stem}-in-full", marks=pytest.mark.sanitize)


@pytest.mark.parametrize(("path", "params"), list(_models()))
def test_every_model(path: Path, params: Mapping[str, int]) -> None:
    """In training and evaluation; of one model the gradients alone, of the next a prediction."""
    net = gpubp.load(path, params=params)
    data = rows_for(net, 16)
    mine, ours = (gpubp.Executor(net, "cpu", "float64", backend=b) for b in (QUICK, "numpy"))
    np.testing.assert_allclose(mine.train_steps(data, 5, 8), ours.train_steps(data, 5, 8), rtol=1e-9)
    assert mine.evaluate(data) == pytest.approx(ours.evaluate(data), rel=1e-8)
    if MODELS.index(path) % 2:
        loss, gradients = mine.gradients(data)
        wanted, expected = ours.gradients(data)
        assert loss == pytest.approx(wanted, rel=1e-8)
        for name, array in expected.items():
            np.testing.assert_allclose(gradients[name], array, rtol=1e-6, atol=1e-10)
        return
    inputs = {n.name: data[n.name] for n in net.graph.inputs}
    outputs = mine.predict(inputs)
    for name, array in ours.predict(inputs).items():
        np.testing.assert_allclose(outputs[name], array, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("text", [PLAIN, DROPOUT, PLAIN.replace("epochs", "shuffle = false\n  epochs")])
@pytest.mark.parametrize("batch", [4, 5, 22, 30])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_many_steps_are_single_steps(text: str, batch: int, precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = rows(20)
    backend = "native" if precision == "float32" else QUICK
    many, parts, single = (native(text, precision, backend, 3) for _ in range(3))
    losses = many.train_steps(data, 23, batch)
    monkeypatch.setattr(NumpyBackend, "max_call_flops", 5000.0)  # few steps in a call
    np.testing.assert_array_equal(np.concatenate([parts.train_steps(data, n, batch) for n in (1, 7, 15)]), losses)
    # Rows that do not lie in memory as they are fed are copied, a batch at a time.
    monkeypatch.setattr(feeding.Placed, "in_memory", lambda *given, **more: None)
    np.testing.assert_array_equal(single.train_steps(data, 23, batch), losses)
    assert contents(many) == contents(parts) == contents(single)


def test_a_step_that_is_refused_changes_nothing() -> None:
    text = PLAIN.replace("adam(lr = 0.01)", "sgd(lr = 1e30)")
    mine, ours = native(text, "float32"), native(text, "float32", "numpy")
    said = []
    for ex in (mine, ours):
        with pytest.raises(DivergedError) as found:
            ex.train_steps(rows(20), 50, 5)
        said.append((str(found.value).split(",")[0], ex.step))
    assert said[0] == said[1]
    assert all(np.isfinite(a).all() for a in mine.parameters.values())


def test_auto_changes_over_at_a_step_that_the_program_fixes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is compiled already, and wherever a run was divided."""
    monkeypatch.setattr(NumpyBackend, "compile_threshold", 2e-5)
    data = rows(20)
    whole, resumed = native(backend="auto"), native(backend="auto")
    (at,) = {int(np.ceil(whole._machine.compiled("train", 5).native_from))}
    assert 1 < at < 30
    losses = whole.train_steps(data, 40, 5)
    resumed.train_steps(data, at - 1, 5)
    again = native(backend="auto", seed=1)
    again.load_state_dict(resumed.state_dict())
    np.testing.assert_array_equal(again.train_steps(data, 41 - at, 5), losses[at - 1 :])
    assert contents(whole) == contents(again)
    numpy, compiled = native(backend="numpy"), native()
    np.testing.assert_array_equal(numpy.train_steps(data, at, 5), losses[:at])
    compiled.load_state_dict(numpy.state_dict())
    np.testing.assert_array_equal(compiled.train_steps(data, 40 - at, 5), losses[at:])
    assert whole._machine._native.keys() == {("train", 5, None)}


def test_auto_compiles_validation_at_a_repeat_that_the_program_fixes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NumpyBackend, "compile_threshold", 2e-5)
    data, auto = rows(20), native(backend="auto")
    at = int(np.ceil(auto._machine.compiled("measure", 32).native_from))
    assert 1 < at < 60
    by_numpy, by_kernels = native(backend="numpy").evaluate(data), native().evaluate(data)
    assert auto.evaluate(data, repeats=at - 1) == by_numpy
    assert not auto._machine._native
    assert auto.evaluate(data, repeats=at) == auto.evaluate(data, repeats=at + 9) == by_kernels
    assert auto._machine._native.keys() == {("measure", 32, None)}
    assert auto.evaluate(data) == by_numpy  # once, as a test is


@pytest.mark.parametrize("backend", ["native", "auto"])
def test_restarts_are_single_runs_to_the_bit(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NumpyBackend, "compile_threshold", 5e-5)
    net = gpubp.load("models/xor.net")
    data: dict[str, Any] = {"x": np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), "y": np.array([[0], [1], [1], [0.0]])}
    together = Ensemble(net, 5, "cpu", seed=0, backend=backend)
    losses, _, _ = together.run_steps(together.place(data), 50, 4)
    for k in (0, 1, 4):
        alone = gpubp.Executor(net, "cpu", seed=k, backend=backend)
        np.testing.assert_array_equal(losses[k], alone.train_steps(data, 50, 4))
        for name, array in together.member(k).state_dict().items():
            np.testing.assert_array_equal(array, alone.state_dict()[name])


def test_a_convolution_of_several_restarts_is_that_of_each_alone() -> None:
    """A copy of one step has no room for a table: it is computed by NumPy, however many copies there are."""
    net = gpubp.loads(
        "model {\n input x: [1, 4]\n target y: [2]\n output p = x -> conv_transpose(3, 3) -> flatten -> dense(2)\n}\n"
        "train {\n loss = mse(p, y)\n optimizer = sgd(0.05)\n precision = float64\n}"
    )
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(3, 1, 4)), "y": rng.normal(size=(3, 2))}
    together = Ensemble(net, 16, "cpu", seed=0, backend=QUICK)
    losses, _, _ = together.run_steps(together.place(data), 4, 1)
    for k in (0, 7, 15):
        alone = gpubp.Executor(net, "cpu", seed=k, backend=QUICK)
        np.testing.assert_array_equal(losses[k], alone.train_steps(data, 4, 1))


def test_parameters_stay_live_views() -> None:
    ex = native()
    data = rows(8)
    ex.train_steps(data, 3, 8)
    weight = next(iter(ex.parameters.values()))
    before = ex.train_step(data)
    weight[...] = 0.0
    assert ex.train_step(data) != pytest.approx(before, rel=1e-3)
    assert weight.any()
