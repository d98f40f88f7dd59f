"""What goes wrong on a machine with a GPU that is well: an interrupt, GPUs that are hidden, folders that cannot be
written to, two processes that compile the same at once. Each is a process of its own on the emulated GPU."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from .test_emulated import COMMAND, ROOT, command, pytestmark  # noqa: F401 - skips these, too

DIGITS = (sys.executable, "-m", "gpubp", "run", "models/digits.net", "--device", "gpu", "--epochs", "8", "--out")


def begun(*words: str, limits: Callable[[], None] | None = None, **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, **variables}
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, env=environment, preexec_fn=limits)


def ended(process: subprocess.Popen[str], code: int = 0) -> str:
    """What it has told; it must end with this exit code, and without a traceback."""
    _, told = process.communicate(timeout=300)
    assert process.returncode == code, told
    assert "Traceback" not in told
    return told


def test_an_interrupt_among_graphs_loses_nothing(tmp_path: Path) -> None:
    """A resume ends with the bytes of a training that was never stopped."""
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    ended(begun(*DIGITS, str(whole)))
    process = begun(*DIGITS, str(stopped))
    assert process.stdout is not None
    assert any(line.startswith("epoch 2/8") for line in iter(process.stdout.readline, ""))
    process.send_signal(signal.SIGINT)
    assert "continues from there" in ended(process, -signal.SIGINT)
    ended(begun(*DIGITS[:4], "--resume", str(stopped), "--device", "gpu"))
    for path in sorted(whole.glob("*.safetensors")):
        a, b = load_file(path), load_file(stopped / path.name)
        assert {name: v.tobytes() for name, v in a.items()} == {name: v.tobytes() for name, v in b.items()}, path


@pytest.mark.parametrize(
    ("device", "seen", "told"),
    [
        ("gpu", "", "no GPU can be used: the NVIDIA driver sees no GPU (CUDA_VISIBLE_DEVICES can hide it)"),
        ("gpu", "7", "no GPU can be used: the NVIDIA driver sees no GPU (CUDA_VISIBLE_DEVICES can hide it)"),
        ("gpu:1", "0", "there is no GPU 1: this process sees 1, counted from 0"),
        ("gpu:1", "1", "there is no GPU 1: this process sees 1, counted from 0"),
    ],
)
def test_a_gpu_that_is_not_seen(device: str, seen: str, told: str) -> None:
    done = command("--no-save", "--device", device, EMULATED_GPUS="2", CUDA_VISIBLE_DEVICES=seen)
    assert (done.returncode, done.stderr) == (2, f"error: {told}\n")


def test_hidden_gpus_leave_the_cpu() -> None:
    assert command("--no-save", "--device", "auto", CUDA_VISIBLE_DEVICES="").returncode == 0


def test_two_processes_that_compile_the_same_at_once(tmp_path: Path) -> None:
    words = (sys.executable, *COMMAND, "--no-save")
    both = [begun(*words, XDG_CACHE_HOME=str(tmp_path)) for _ in range(2)]
    assert [ended(one) for one in both] == ["", ""]
    kept = sorted((tmp_path / "gpubp" / "kernels").iterdir())
    assert kept
    assert all(path.suffix == ".cubin" for path in kept), "nothing half made is left"


def no_files() -> None:
    """Nothing can be written into a file, as where the disk is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_a_full_disk(tmp_path: Path) -> None:
    assert command("--no-save").returncode == 0, "translations for the emulated GPU are made before"
    words = (sys.executable, *COMMAND, "--no-save")
    told = ended(begun(*words, limits=no_files, XDG_CACHE_HOME=str(tmp_path)))
    assert "kernels are compiled anew each time: cannot write to" in told
    told = ended(begun(*words, limits=no_files, CUPY_CACHE_DIR=str(tmp_path / "cupy")), 2)
    assert told.endswith("CuPy keeps kernels in a folder, and CUPY_CACHE_DIR names another one\n")
    told = ended(begun(sys.executable, *COMMAND, "--out", str(tmp_path / "run"), limits=no_files), 1)
    assert told.startswith("error: ")


def test_a_folder_of_cupys_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = command("--no-save", CUPY_CACHE_DIR=str(tmp_path / "file" / "cupy"))
    assert done.returncode == 2
    assert done.stderr.endswith("CuPy keeps kernels in a folder, and CUPY_CACHE_DIR names another one\n")
