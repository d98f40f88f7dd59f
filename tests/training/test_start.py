"""`start = load(...)`: another run's weights are the first ones, names and shapes checked."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import gpubp
from gpubp.cli import main

from .worlds import state, train, write_net


def other(place: Path, start: str, **options: str) -> Path:
    """The experiment with another optimizer, which starts from a run."""
    return write_net(place, optimizer="sgd(lr = 0)", length="epochs = 1", keys=f"  start = load({start})\n", **options)  # type: ignore[arg-type]


@pytest.fixture
def trained(tmp_path: Path) -> gpubp.Run:
    (tmp_path / "first").mkdir()
    return train(write_net(tmp_path / "first"), out=tmp_path / "first" / "run")


def weights(run: gpubp.Run) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in run.executor.parameters.items()}


def test_all_weights_and_statistics(tmp_path: Path, trained: gpubp.Run) -> None:
    (tmp_path / "second").mkdir()
    path = other(tmp_path / "second", '"../first/run"')
    (tmp_path / "second" / "a.csv").write_text("a,b,c,y\n" + "7,8,9,1\n1,2,3,4\n" * 9, "utf-8")
    run = train(path)
    assert weights(run) == weights(trained)
    before, now = trained.executor.state_dict(), run.executor.state_dict()
    for name in run.executor.net.buffers:
        np.testing.assert_array_equal(now[name], before[name])
    assert run.executor.step == 2  # its own


def test_all_restarts_start_there(tmp_path: Path, trained: gpubp.Run) -> None:
    path = other(tmp_path, '"first/run"')
    path.write_text(path.read_text("utf-8").replace("  start =", "  restarts = 3\n  start ="), "utf-8")
    run = train(path)
    assert weights(run) == weights(trained)
    assert len({restart["figure"] for restart in run.restarts}) == 1


def test_only_some(tmp_path: Path, trained: gpubp.Run) -> None:
    fresh = train(write_net(tmp_path, optimizer="sgd(lr = 0)", length="epochs = 1"))
    path = other(tmp_path, '"first/run", only = [p.dense, p.standardize]')
    run = train(path)
    for name, value in weights(run).items():
        assert value == weights(trained if name.startswith("p.dense.") else fresh)[name]
    wider = path.read_text("utf-8").replace("dense(1)", "dense(2) -> dense(1)")
    path.write_text(wider, "utf-8")
    assert weights(train(path))["p.dense.weight"] == weights(trained)["p.dense.weight"]


def test_in_another_precision(tmp_path: Path, trained: gpubp.Run) -> None:
    run = train(other(tmp_path, '"first/run"'), precision="float64")
    for name, value in run.executor.parameters.items():
        np.testing.assert_array_equal(value, trained.executor.parameters[name].astype("float64"))


@pytest.mark.parametrize("keys", ["", "  restarts = 2\n"])
def test_weights_in_memory_are_those_of_a_file(tmp_path: Path, trained: gpubp.Run, keys: str) -> None:
    path = other(tmp_path, '"first/run"')
    path.write_text(path.read_text("utf-8").replace("  start =", f"{keys}  start ="), "utf-8")
    wanted = train(path)
    path.write_text(re.sub("  start = .*\n", "", path.read_text("utf-8")), "utf-8")
    run = train(path, start=trained.executor.state_dict(), out=tmp_path / "out")
    assert (run.history, state(run)) == (wanted.history, state(wanted))
    known = json.loads((tmp_path / "out/env.json").read_text("utf-8"))["start"]
    train(path, resume=tmp_path / "out", out=tmp_path / "out", epochs=2)
    assert json.loads((tmp_path / "out/env.json").read_text("utf-8"))["start"] == known, "a resume keeps the record"


def test_some_weights_in_memory(tmp_path: Path, trained: gpubp.Run) -> None:
    """The others are new, and statistics that are not given are those of the rows."""
    path, name = write_net(tmp_path, optimizer="sgd(lr = 0)", length="epochs = 1"), "p.dense.weight"
    run, fresh = train(path, start={name: trained.executor.parameters[name].tolist()}), train(path)
    changed = {one for one, value in state(run).items() if value != state(fresh)[one]}
    assert changed == {name}
    assert weights(run)[name] == weights(trained)[name]


@pytest.mark.parametrize("names", [["p.dense.weight"], None], ids=["some", "all"])
def test_the_record_of_weights_in_memory_does_not_depend_on_the_seed(
    tmp_path: Path, trained: gpubp.Run, names: list[str] | None
) -> None:
    path, found, weights = write_net(tmp_path, length="epochs = 1"), set(), trained.executor.state_dict()
    for seed in (1, 2):
        train(path, start={name: weights[name] for name in names or weights}, seed=seed, out=tmp_path / str(seed))
        found.add(json.loads((tmp_path / str(seed) / "env.json").read_text("utf-8"))["start"])
    assert len(found) == 1


def test_weights_in_memory_of_a_value_called_optimizer() -> None:
    """Their names begin as those of the optimizer's state do."""
    net = gpubp.loads(
        "model {\n  input x: [2]\n  target y: [1]\n  optimizer = x -> dense(3)\n  output p = optimizer -> dense(1)\n}\n"
        "train {\n  loss = mse(p, y)\n  optimizer = adam(lr = 1e-2)\n}\n"
    )
    first, second = (gpubp.Executor(net, device="cpu", seed=seed) for seed in (1, 2))
    first.train_step({"x": [[1.0, 2.0]], "y": [[1.0]]})
    second.start_from(first.state_dict() | {"total_steps": np.int64(9)})  # a counter of another net's schedule
    for name, value in first.parameters.items():
        np.testing.assert_array_equal(second.parameters[name], value)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ({"p.dense.wait": [[1.0]]}, "there is no parameter `p.dense.wait`"),
        ({"p.dense.weight": [1.0]}, r"`p.dense.weight` has shape \("),
        ([1.0], "a mapping from names to arrays.* not by list"),
        ({0: [1.0]}, "there is no parameter `0`"),
    ],
)
def test_weights_in_memory_that_do_not_fit(tmp_path: Path, start: Any, message: str) -> None:
    path = write_net(tmp_path)
    with pytest.raises(gpubp.InputError, match=message):
        train(path, start=start, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(gpubp.InputError, match="goes on from its own weights: leave `start` out"):
        train(path, start=start, resume=tmp_path / "out")


def test_it_does_not_start_again_after_a_resume(tmp_path: Path, trained: gpubp.Run) -> None:
    path = write_net(tmp_path, keys='  start = load("first/run")\n')
    whole = train(path)
    train(path, epochs=3, out=tmp_path / "out")
    resumed = train(path, resume=tmp_path / "out")
    assert weights(resumed) == weights(whole)


def foreign(path: Path, run: gpubp.Run, **changed: np.ndarray) -> None:
    """The weights and statistics of a run as another library would write them."""
    state = run.executor.state_dict()
    names = (*run.executor.parameters, *run.executor.net.buffers)
    arrays = {name: np.array(state[name], order="C") for name in names}
    save_file(arrays | {name.replace("__", "."): array for name, array in changed.items()}, path, {"format": "pt"})


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_weights_of_another_library(tmp_path: Path, trained: gpubp.Run, dtype: str) -> None:
    halves = {name: np.round(value * 256) / 256 for name, value in trained.executor.parameters.items()}
    changed = {name.replace(".", "__"): value.astype(dtype) for name, value in halves.items()}
    foreign(tmp_path / "w.safetensors", trained, **changed, p__extra=np.ones(3))
    run = train(other(tmp_path, '"w.safetensors"'))
    for name, value in run.executor.parameters.items():
        np.testing.assert_array_equal(value, halves[name].astype("float32"))


@pytest.mark.parametrize(
    ("array", "message", "help"),
    [
        (np.zeros((6, 3)), r"has shape \[6, 3\] in `w.safetensors`, and \[3, 6\] here", r"\[in, out\]"),
        (np.full((3, 6), np.nan), "holds numbers that are not finite in float32", None),
        (np.full((3, 6), 1e300), "holds numbers that are not finite in float32", None),
        (np.zeros((3, 6), int), "is of int64, not floating-point", None),
        (np.zeros((3, 6), "complex64"), "is of C64, which cannot be read here: save it as float32", None),
        (b"BF16", "is of BF16, which cannot be read here: save it as float32", None),
    ],
)
def test_weights_of_another_library_that_do_not_fit(
    tmp_path: Path, trained: gpubp.Run, array: np.ndarray | bytes, message: str, help: str | None
) -> None:
    path = tmp_path / "w.safetensors"
    if isinstance(array, bytes):
        foreign(path, trained, p__dense__weight=np.zeros((3, 6), "float16"))
        content = path.read_bytes()
        size = int.from_bytes(content[:8], "little")
        header = content[8 : 8 + size].replace(b'"F16"', b'"BF16"')
        path.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + size :])
    else:
        foreign(path, trained, p__dense__weight=array)
    with pytest.raises(gpubp.NetError, match=f"`p.dense.weight` in.* {message}|`p.dense.weight` {message}") as caught:
        train(other(tmp_path, '"w.safetensors"'))
    (found,) = caught.value.diagnostics
    assert help is None or any(re.search(help, one) for one in found.help)


def test_names_of_another_library_are_told(tmp_path: Path) -> None:
    long = f"model.{'encoder.' * 6}weight"  # whole, since it may have to be copied
    save_file({long: np.zeros((6, 3))}, tmp_path / "w.safetensors")
    with pytest.raises(gpubp.NetError, match=r"`w.safetensors` has no `p\.dense\.weight`") as caught:
        train(other(tmp_path, '"w.safetensors"'))
    (help,) = caught.value.diagnostics[0].help
    assert help.startswith(f"its arrays are `{long}`; those of this net are `p.dense.weight`, `p.dense.bias`")


@pytest.mark.parametrize(
    ("start", "change", "message"),
    [
        ('"first/nowhere"', "", "`first/nowhere` does not exist"),
        ('"first"', "", r"cannot read `.*first/last\.safetensors`: no such file"),
        ('"first/a.csv"', "", r"`.*first/a\.csv` is not a saved state, or is damaged"),
        ('"first/run"', "7", r"`p\.dense\.weight` has shape \[3, 6\] in `first/run`, and \[3, 7\] here"),
        ('"first/run"', "6) -> dense(6", r"`p\.dense_2\.weight` has shape \[6, 1\] in `first/run`, and \[6, 6\] here"),
        ('"first/run", only = [p.dense_3]', "6) -> dense(6", r"`first/run` has no `p\.dense_3\.weight`"),
        ('"first/run", only = [p.tanh]', "", r"`p\.tanh` has no weights"),
        ('"first/run", only = [q]', "", "the model has no value, stage or layer `q`"),
    ],
)
def test_what_does_not_fit(
    tmp_path: Path, trained: gpubp.Run, capsys: pytest.CaptureFixture[str], start: str, change: str, message: str
) -> None:
    path = other(tmp_path, start)
    path.write_text(path.read_text("utf-8").replace("dense(6)", f"dense({change or 6})"), "utf-8")
    with pytest.raises(gpubp.NetError, match=message) as caught:
        train(path, out=tmp_path / "out")
    (found,) = caught.value.diagnostics
    assert found.span is not None
    assert not (tmp_path / "out").exists()
    assert main(["check", str(path), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["diagnostics"][0]["message"] == found.message


def test_an_executor_and_what_is_explained_start_there(tmp_path: Path, trained: gpubp.Run) -> None:
    net = gpubp.load(other(tmp_path, '"first/run"'))
    ex = gpubp.Executor(net, "cpu")
    assert {name: value.tobytes() for name, value in ex.parameters.items()} == weights(trained)
    assert ex.fitted
    ex.fit({"x": [[1, 2, 3], [3, 2, 7], [5, 5, 5]]})  # other rows do not replace the statistics
    rows = np.arange(12.0).reshape(4, 3)
    np.testing.assert_array_equal(ex.predict(rows), trained.predict(rows))
    assert gpubp.explain(net).about.startswith(f"{tmp_path / 'a.net'}, the weights of seed 0 and those of `first/run`:")
    said, wanted = (gpubp.explain(of, {"x": rows, "y": rows[:, :1]}).show("z2") for of in (net, trained))
    assert said == wanted


def test_a_state_that_is_loaded_needs_no_start(tmp_path: Path, trained: gpubp.Run) -> None:
    run = train(other(tmp_path, '"first/run"'), out=tmp_path / "out")
    (tmp_path / "first").rename(tmp_path / "gone")
    for one in (gpubp.load_run(tmp_path / "out"), pickle.loads(pickle.dumps(run))):
        assert {name: value.tobytes() for name, value in one.executor.parameters.items()} == weights(trained)
    assert gpubp.explain(run).about.startswith(f"{tmp_path / 'a.net'}, step 5:")
    with pytest.raises(gpubp.NetError, match="`first/run` does not exist"):
        gpubp.Executor(run.net)
    fresh = gpubp.Executor(gpubp.load(write_net(tmp_path)), "cpu")
    assert weights(run) != {name: value.tobytes() for name, value in fresh.parameters.items()}
    bare = gpubp.Executor(run.net, "cpu", start=False)
    np.testing.assert_array_equal(bare.parameters["p.dense.weight"], fresh.parameters["p.dense.weight"])
