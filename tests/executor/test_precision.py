"""The precision `tf32`: float32 everywhere but in the products of a GPU."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp import backends
from gpubp.errors import DeviceError

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture
def net() -> gpubp.Net:
    return gpubp.load(MODELS / "xor.net")


def test_on_a_cpu_it_is_float32(net: gpubp.Net) -> None:
    plain, tf32 = (gpubp.train(net, device="cpu", precision=p, epochs=20) for p in ("float32", "tf32"))
    assert (tf32.executor.precision, tf32.executor.dtype) == ("tf32", "float32")
    for name, array in plain.executor.state_dict().items():
        np.testing.assert_array_equal(tf32.executor.state_dict()[name], array)


@pytest.mark.parametrize("precision", ["float32", "float64", "tf32"])
def test_a_gpu_is_told(net: gpubp.Net, precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(number: int, tf32: bool, *, compiled: bool) -> object:
        assert compiled
        asked.append((number, tf32))
        raise DeviceError("refused for a test")

    monkeypatch.setattr(backends, "CupyBackend", refuse)
    gpubp.Executor(net, "auto", precision)
    with pytest.raises(DeviceError):
        gpubp.Executor(net, "gpu:1", precision)
    assert asked == [(0, precision == "tf32"), (1, precision == "tf32")]


def test_a_run_keeps_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (MODELS / "xor.net").read_text("utf-8").replace("epochs    = 500", "epochs = 3\n  precision = tf32")
    (tmp_path / "xor.net").write_text(text, "utf-8")
    net = gpubp.load(tmp_path / "xor.net")
    assert (net.precision, net.dtype) == ("tf32", "float32")
    gpubp.train(net, device="cpu", out=tmp_path / "run")
    assert json.loads((tmp_path / "run" / "env.json").read_text("utf-8"))["precision"] == "tf32"
    longer = gpubp.train(net, device="cpu", epochs=5, resume=tmp_path / "run", out=tmp_path / "longer")
    assert longer.executor.precision == "tf32"
    assert gpubp.load_run(tmp_path / "longer").executor.precision == "tf32"


def test_the_head_of_a_run_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    from gpubp.cli.main import main

    assert main(["run", str(MODELS / "xor.net"), "--precision", "tf32", "--device", "cpu", "--no-save"]) == 0
    assert "float32 instead of tf32, seed 0" in capsys.readouterr().out


def test_executors_of_one_net_keep_state_of_their_own_type() -> None:
    """What they share is made for each type."""
    net = gpubp.load(MODELS / "xor.net")
    for precision in ("float32", "float64", "float32"):
        state = gpubp.Executor(net, "cpu", precision).state_dict()
        kept = {name: array.dtype.name for name, array in state.items() if name.startswith("optimizer.")}
        assert kept
        assert set(kept.values()) == {precision}
