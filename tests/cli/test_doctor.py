"""`gpubp doctor` on machines of all kinds, most of them made up: what it says, and what it tells to install."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from gpubp.backends import doctor, native
from gpubp.backends.driver import Driver, Gpu, ask_driver
from gpubp.cli import main
from tests.stand_in.fake_cupy import cupy as stand_in

H100 = Gpu(0, "H100", (9, 0), 80 << 30)
GTX = Gpu(0, "GTX 1080", (6, 1), 8 << 30)
NOTHING = Driver(None, (), "no NVIDIA driver is installed (libcuda.so.1 not found)")
WHEELS = ("nvidia-cuda-nvrtc-cu12", "nvidia-cublas-cu12", "nvidia-cuda-runtime-cu12")

Say = Callable[..., dict[str, doctor.Finding]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Say:
    """What is found with a driver, packages (name or name==version) and perhaps a CuPy module."""

    def found(driver: Driver, *packages: str, cupy: Any = None) -> dict[str, doctor.Finding]:
        names = [p.partition("==") for p in packages]
        known = [types.SimpleNamespace(metadata={"Name": n}, version=v or "12.9") for n, _, v in names]
        monkeypatch.setattr(metadata, "distributions", lambda: known)
        monkeypatch.setattr(doctor, "ask_driver", lambda: driver)
        monkeypatch.setitem(sys.modules, "cupy", cupy)
        return {finding.name: finding for finding in doctor.findings(lambda place: f"steps on {place}")}

    return found


def test_without_driver_and_cupy(say: Say) -> None:
    found = say(NOTHING)
    assert (found["driver"].state, found["CuPy"].state) == ("missing", "missing")
    assert found["CuPy"].help == "", "without a driver CuPy is of no use"
    assert "CuPy 14" not in found["driver"].text
    assert found["NumPy"].state == "ok"


def test_cupy_without_driver(say: Say) -> None:
    found = say(NOTHING, "cupy-cuda12x==14.2.0", *WHEELS)
    assert [found[name].state for name in ("CuPy", "nvrtc", "cublas", "cudart")] == ["ok"] * 4
    assert not any(name.startswith("kernel") for name in found), "nothing is run without a driver"


@pytest.mark.parametrize(
    ("driver", "wanted"),
    [
        (Driver((13, 0), (H100,)), "cuda13"),
        (Driver((12, 8), (H100,)), "cuda12"),
        (Driver((13, 0), (GTX,)), "cuda12"),
        (Driver((13, 0), (H100, GTX)), "cuda12"),
    ],
)
def test_what_to_install(say: Say, driver: Driver, wanted: str) -> None:
    assert say(driver)["CuPy"].help == f"pip install 'gpubp[{wanted}]'"


def test_two_cupy_packages(say: Say) -> None:
    finding = say(Driver((12, 8), (H100,)), "cupy-cuda12x==14.2.0", "cupy_cuda13x==14.2.0")["CuPy"]
    assert finding.state == "wrong"
    assert finding.help == "pip uninstall cupy-cuda12x cupy-cuda13x, then pip install 'gpubp[cuda12]'"


def test_a_cupy_that_is_too_new(say: Say) -> None:
    assert "the driver only supports CUDA up to 12.8" in say(Driver((12, 8), (H100,)), "cupy-cuda13x")["CuPy"].text
    assert "older than 7.5" in say(Driver((13, 0), (GTX,)), "cupy-cuda13x")["CuPy"].text


def test_what_only_a_newer_driver_mends(say: Say) -> None:
    assert say(Driver((11, 8), (H100,)), "cupy-cuda12x")["CuPy"].help == "install a newer driver"
    mended = say(Driver((12, 8), (H100,)), "cupy-cuda13x")["CuPy"].help
    assert mended == "pip uninstall cupy-cuda13x, then pip install 'gpubp[cuda12]', or install a newer driver"


def test_a_gpu_that_no_cuda_of_today_knows(say: Say) -> None:
    found = say(Driver((12, 8), (Gpu(0, "GTX 680", (3, 0), 2 << 30),)), "cupy-cuda12x", cupy=stand_in)
    assert found["GPU 0"].state == "wrong"
    assert "kernel on GPU 0" not in found, "nothing that can be installed would make one run"


def test_a_driver_that_is_too_old_or_sees_nothing(say: Say) -> None:
    assert say(Driver((11, 4), (H100,)))["driver"].state == "wrong"
    blind = say(Driver((12, 8), (), "the NVIDIA driver sees no GPU"))["driver"]
    assert (blind.state, blind.text) == ("wrong", "the NVIDIA driver sees no GPU; it knows CUDA up to 12.8")


def test_wheels_of_another_cuda(say: Say) -> None:
    finding = say(Driver((12, 8), (H100,)), "cupy-cuda12x", "nvidia-cublas==13.1")["cublas"]
    assert finding.state == "missing"
    assert finding.text.startswith("only nvidia-cublas; ")
    newer = say(Driver((13, 0), (H100,)), "cupy-cuda12x", "nvidia-cublas==13.1")["cublas"]
    assert newer.help == "pip install 'gpubp[cuda12]'", "those of the CuPy that is there, not another CuPy"


def test_a_gpu_that_works(say: Say) -> None:
    found = say(Driver((12, 8), (H100,)), "cupy-cuda12x", *WHEELS, cupy=stand_in)
    assert {finding.state for name, finding in found.items() if "GPU 0" in name} == {"ok"}
    assert found["training on GPU 0"].text == "steps on gpu:0"
    assert found["memory of GPU 0"].text == "1.0 GiB free"


def test_a_gpu_that_does_not(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    found = say(Driver((12, 8), (H100,)), cupy=None)
    assert found["kernel on GPU 0"].text == "CuPy is not installed"
    monkeypatch.setattr(stand_in, "ones", lambda *args, **kwargs: 1 / 0)
    found = say(Driver((12, 8), (H100,)), cupy=stand_in)
    assert (found["product on GPU 0"].state, found["product on GPU 0"].text) == ("wrong", "division by zero")


def test_exit_code_and_json(say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    say(NOTHING)
    assert main(["doctor"]) == 0
    assert "--device auto takes: CPU" in capsys.readouterr().out
    say(Driver((12, 8), (), "the NVIDIA driver sees no GPU"))
    assert main(["doctor", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["findings"][0]["state"] == "wrong"
    assert not told["well"]


def test_this_machine_is_asked() -> None:
    driver = ask_driver()
    assert bool(driver.gpus) != bool(driver.reason)


class FakeLibrary:
    """A driver of one GPU."""

    def __getattr__(self, name: str) -> Callable[..., int]:
        values = {"cuDriverGetVersion": 12080, "cuDeviceGetCount": 1, "cuDeviceTotalMem_v2": 80 << 30}

        def call(*args: Any) -> int:
            if name in values:
                args[0]._obj.value = values[name]
            if name == "cuDeviceGetName":
                args[0].value = b"H100"
            if name == "cuDeviceGetAttribute":
                args[0]._obj.value = {75: 9, 76: 0}[args[1]]
            return self.status if name == "cuInit" else 0

        return call

    status = 0


@pytest.mark.skipif(not native.SUPPORTED or native.find_compiler() is None, reason="no C compiler")
def test_a_cache_that_cannot_be_written_to(say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    found = say(NOTHING)["C compiler"]
    assert (found.state, found.help) == ("wrong", "XDG_CACHE_HOME names another folder for it")
    assert f"but cannot make `{tmp_path / 'file' / 'gpubp' / 'kernels'}`: " in found.text


def test_a_driver_as_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: FakeLibrary())
    assert ask_driver() == Driver((12, 8), (H100,))
    monkeypatch.setattr(FakeLibrary, "status", 804)
    assert ask_driver().reason == "the NVIDIA driver does not start (cuInit gives 804)"
    monkeypatch.setattr(FakeLibrary, "status", 3)
    assert ask_driver().reason.startswith("this process was forked from one that uses the GPU")
    monkeypatch.setattr(FakeLibrary, "status", 100)
    assert ask_driver().reason == "the NVIDIA driver sees no GPU (CUDA_VISIBLE_DEVICES can hide it)"


@pytest.mark.parametrize(
    ("kernels", "flags", "helps"),
    [
        ("Haswell", "avx512f avx512dq avx512bw avx512vl avx512cd", True),
        ("Zen", "avx2 avx512f avx512dq avx512bw avx512vl avx512cd", True),
        ("SkylakeX", "avx512f avx512dq avx512bw avx512vl avx512cd", False),
        ("Haswell", "avx2 avx512f", False),
        ("Haswell", "avx2", False),
    ],
)
def test_an_openblas_that_leaves_avx_512_unused(kernels: str, flags: str, helps: bool) -> None:
    pool = {"user_api": "blas", "internal_api": "openblas", "version": "0.3", "num_threads": 2, "architecture": kernels}
    finding = doctor.blas("2.4", [pool], f"flags\t\t: fpu {flags}")
    assert finding.text == f"2.4, BLAS: openblas 0.3 {kernels}, 2 threads"
    assert finding.help.endswith("OPENBLAS_CORETYPE=SkylakeX selects: large products may be faster") == helps
    assert bool(finding.help) == helps


def test_a_blas_that_says_little() -> None:
    pools = [{"user_api": "openmp"}, {"user_api": "blas", "internal_api": "mkl", "version": None, "num_threads": 2}]
    assert doctor.blas("2.4", pools, "").text == "2.4, BLAS: mkl, 2 threads"
    assert doctor.blas("2.4", [], "").text == "2.4, BLAS: unknown"
