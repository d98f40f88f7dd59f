"""Compiled kernels on disk: whatever is wrong with the compiler or the folder, NumPy goes on, and says so once."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.backends import select
from gpubp.backends.native import Compiler, KernelCache, Library, NativeBackend, NativeError, backend
from gpubp.backends.native.compiler import MACHINE, WIDE
from gpubp.errors import DeviceError
from tests.executor.nets import PLAIN
from tests.render.compiled import COMPILER, needs_compiler

TEXT = "int answer(char *arena, void *const *tables) { return 42 + arena[0]; }\n"


def fake(folder: Path, script: str) -> Compiler:
    """A compiler that does what a shell script does."""
    command = folder / "cc"
    command.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    command.chmod(0o755)
    return Compiler(str(command))


def call(path: Path) -> int:
    return Library(path).bind("answer", np.zeros(8, np.uint8), [])()


# What works ----------------------------------------------------------------------------------------------------------
@needs_compiler
def test_a_library_is_compiled_once_and_private(tmp_path: Path) -> None:
    assert COMPILER is not None
    cache = KernelCache(tmp_path / "a" / "kernels")
    path = cache.library(TEXT, COMPILER)
    assert call(path) == 42
    before = path.stat()
    assert cache.library(TEXT, COMPILER) == path
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert [p for p in cache.folder.rglob("*") if p.is_file()] == [path], "nothing else is left"
    assert [stat.S_IMODE(p.stat().st_mode) for p in (cache.folder, path.parent)] == [0o700] * 2
    assert cache.library(TEXT + "\n", COMPILER) != path


@needs_compiler
def test_another_compiler_or_processor_has_kernels_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert COMPILER is not None
    cache = KernelCache(tmp_path / "kernels")
    mine = cache.library(TEXT, COMPILER)
    other = fake(tmp_path, f'test "$1" = --version && echo "cc 99" && exit\nexec {COMPILER.command} "$@"')
    theirs = cache.library(TEXT, other)
    monkeypatch.setattr("gpubp.backends.native.compiler.processor", lambda: "another")
    moved = cache.library(TEXT, Compiler(COMPILER.command))
    assert len({p.name.partition("-")[0] for p in (mine, theirs, moved)}) == 3


@needs_compiler
@pytest.mark.parametrize("damage", [b"", b"\x7fELF rubbish", None])
def test_a_damaged_library_is_compiled_anew(tmp_path: Path, damage: bytes | None) -> None:
    assert COMPILER is not None
    cache = KernelCache(tmp_path / "kernels")
    path = cache.library(TEXT, COMPILER)
    path.write_bytes(path.read_bytes()[:-100] if damage is None else damage)
    assert call(cache.library(TEXT, COMPILER)) == 42


class Typist:
    """What the cache takes for a compiler: it writes a hundred bytes."""

    identity = "a typist"

    def compile(self, source: Path, output: Path) -> None:
        output.write_bytes(source.read_bytes().rjust(100))


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, typist = KernelCache(tmp_path / "kernels"), Typist()
    made = {text: cache.library(text, typist) for text in map(str, range(200))}
    assert len({path.parent for path in made.values()}) == 16
    files = made["0"].parent
    first, *texts = [text for text, path in made.items() if path.parent == files][:6]
    paths = [made[text] for text in texts]
    for path in {*files.iterdir()} - {*paths}:
        path.unlink()
    others = {path for path in cache.folder.rglob("*-*") if path.parent != files}
    left = [files / f".compiling-{name}" for name in ("old", "new")]
    for age, path in enumerate(reversed(paths)):
        os.utime(path, (1e9 - age, 1e9))
    for folder, begun in zip(left, (1e9, time.time()), strict=True):
        (folder / "within").mkdir(parents=True)
        os.utime(folder, (begun, begun))
    assert cache.library(texts[0], typist) == paths[0], "now the latest"
    monkeypatch.setattr("gpubp.backends.native.cache.MOST", 500)
    added = cache.library(first, typist)
    assert {*files.iterdir()} == {paths[0], paths[4], added, left[1]}
    assert others == {path for path in cache.folder.rglob("*-*") if path.parent != files}, "no other set is changed"
    monkeypatch.setattr("gpubp.backends.native.cache.MOST", 50)
    (files / paths[4].name).unlink()
    again = cache.library(texts[4], typist)
    assert {*files.iterdir()} == {again, left[1]}, "the last stays, however large"


@needs_compiler
def test_several_processes_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from gpubp.backends.native import KernelCache, find_compiler\n"
        "print(KernelCache(Path(sys.argv[1])).library(sys.argv[2], find_compiler()))"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "kernels"), TEXT]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    names = [process.communicate()[0].strip() for process in running]
    assert all(process.returncode == 0 for process in running)
    assert all(call(Path(name)) == 42 for name in names)


# What does not -------------------------------------------------------------------------------------------------------
BROKEN = {
    "fails": "echo 'error: out of luck' >&2; exit 1",
    "crashes": "kill -SEGV $$",
    "writes nothing": "test $1 = --version && echo cc 1",
    "writes rubbish": 'test $1 = --version && echo cc 1 && exit\nwhile test "$1" != -o; do shift; done; echo no > "$2"',
    "speaks in tongues": "printf '\\377\\376' >&2; exit 3",
}


def trained(used: NativeBackend, monkeypatch: pytest.MonkeyPatch) -> gpubp.Executor:
    """Three steps on a backend; the numbers are NumPy's."""
    monkeypatch.setattr("gpubp.executor.device_choice.select", lambda device, backend, tf32: used)
    net = gpubp.loads(PLAIN)
    data = {"x": np.ones((4, 3)), "y": np.ones((4, 1))}
    ex = gpubp.Executor(net, "cpu", backend="native")
    losses = ex.train_steps(data, 3, 4)
    monkeypatch.undo()
    wanted = gpubp.Executor(net, "cpu", backend="numpy").train_steps(data, 3, 4)
    np.testing.assert_allclose(losses, wanted, rtol=1e-6)
    return ex


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
def test_a_broken_compiler(
    tmp_path: Path, script: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "_said", set())
    used = NativeBackend(fake(tmp_path, script), forced=True, folder=tmp_path / "kernels")
    with caplog.at_level(logging.WARNING, "gpubp"):
        trained(used, monkeypatch)
        trained(used, monkeypatch)
    assert len(caplog.records) == 1
    assert "NumPy continues without compiled kernels" in caplog.text
    assert "\n" not in caplog.records[0].getMessage()
    assert not used.compiles


@needs_compiler
@pytest.mark.parametrize(
    "told",
    [
        {"-march=native": "cc1: error: unknown value 'native' for '-march'"},
        {"-march=native": "clang: error: the clang compiler does not support '-march=native'"},
        {WIDE: f"gcc: error: unrecognized command line option '{WIDE}'"},
        {WIDE: f"gcc: error: unrecognized command line option '{WIDE}'", "-march=native": "error: -march=native"},
    ],
    ids=["no processor", "none, clang", "no width", "neither"],
)
def test_a_compiler_that_does_not_know_the_processor(tmp_path: Path, told: dict[str, str]) -> None:
    assert COMPILER is not None
    flags = {flag: text for flag, text in told.items() if flag in MACHINE}
    refuse = "".join(f'case "$*" in *{flag}*) echo "{text}" >&2; exit 1; esac\n' for flag, text in flags.items())
    compiler = fake(tmp_path, f'echo "$*" >> {tmp_path}/asked\n{refuse}exec {COMPILER.command} "$@"')
    assert call(KernelCache(tmp_path / "kernels").library(TEXT, compiler)) == 42
    last = (tmp_path / "asked").read_text("utf-8").splitlines()[-1].split()
    assert {*MACHINE} - {*last} == {*flags}, "what it knows stays"


@needs_compiler
@pytest.mark.parametrize("option", ["-march=x86-64", "-mprefer-vector-width=128", "-O0"])
def test_options_of_the_compiler_replace_ours(option: str) -> None:
    assert COMPILER is not None
    kind = option.partition("=")[0].rstrip("0")
    flags = Compiler(COMPILER.command, (option,)).flags
    assert not [flag for flag in flags if flag.startswith(kind)]
    assert {flag for flag in MACHINE if not flag.startswith(kind)} == {*flags} & {*MACHINE}


def test_a_compiler_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = NativeBackend(Compiler(str(tmp_path / "cc")), forced=True, folder=tmp_path / "kernels")
    trained(used, monkeypatch)
    assert "cannot be run" in used.description
    assert used.kernels() == ""


def _is_a_file(folder: Path) -> None:
    folder.write_text("")


def _is_open_to_others(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def _is_a_link(folder: Path) -> None:
    real = folder.with_name("elsewhere")
    real.mkdir(mode=0o700)
    folder.symlink_to(real)


def _cannot_be_written(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o500)


@needs_compiler
@pytest.mark.parametrize("spoil", [_is_a_file, _is_open_to_others, _is_a_link, _cannot_be_written])
def test_a_folder_that_cannot_be_trusted(
    tmp_path: Path, spoil: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert COMPILER is not None
    assert callable(spoil)
    if spoil is _cannot_be_written and os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    spoil(tmp_path / "kernels")
    used = NativeBackend(COMPILER, forced=True, folder=tmp_path / "kernels")
    trained(used, monkeypatch)
    assert "kernels" in used.description
    assert not used.compiles


@needs_compiler
def test_a_folder_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert COMPILER is not None
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(NativeError, match="belongs to this user alone"):
        KernelCache(tmp_path).library(TEXT, COMPILER)


# Choosing ------------------------------------------------------------------------------------------------------------
def test_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert select("cpu").description.endswith("no C compiler)")
    assert gpubp.Executor(gpubp.loads(PLAIN), "cpu").backend.compiles is False
    with pytest.raises(DeviceError, match="there is no C compiler: neither cc nor gcc nor clang"):
        select("cpu", "native")
    with pytest.raises(DeviceError, match="there is no C compiler `nothing`"):
        select("cpu", "native:nothing")


@pytest.mark.parametrize("name", ["", "c", "NumPy", "numpy:gcc", "cupy:gcc", "native gcc"])
def test_unknown_backends(name: str) -> None:
    with pytest.raises(DeviceError, match=f"there is no backend `{name}`"):
        select("cpu", name)


def test_a_backend_of_the_cpu_on_a_gpu() -> None:
    with pytest.raises(DeviceError, match="the backend `numpy` is for the CPU, not for gpu"):
        select("gpu", "numpy")


def test_a_backend_of_the_gpu_on_the_cpu() -> None:
    with pytest.raises(DeviceError, match="the backend `cupy` is for a GPU, not for cpu"):
        select("cpu", "cupy")


def test_numpy_alone() -> None:
    used = select("cpu", "numpy")
    assert not used.compiles
    assert used.description == f"CPU (NumPy {np.__version__})"


def test_ctrl_c_in_a_terminal_does_not_end_the_compiler(tmp_path: Path) -> None:
    """It goes to all of the terminal's process group: the training is to end, not the kernels that it waits for."""
    command = tmp_path / "cc"
    command.write_text(f"#!{sys.executable}\nimport os\nprint(os.getpgrp() == {os.getpgrp()})\n")
    command.chmod(0o755)
    assert Compiler(str(command)).version == "False"


@needs_compiler
@pytest.mark.parametrize("layer", ["rnn", "gru", "lstm"])
def test_a_loop_reads_a_sequence_that_repeats_one_number(layer: str) -> None:
    """What comes back to a mean over its states: a view of strides 0, which NumPy does not let write."""
    net = gpubp.loads(
        f"model {{\n  input x: [3, 2]\n  output p = mean(x -> {layer}(2))\n}}\n"
        "train {\n  loss = p^2\n  optimizer = sgd(0.1)\n}"
    )
    batch = {"x": np.random.default_rng(0).normal(size=(4, 3, 2))}
    found, wanted = (gpubp.Executor(net, "cpu", "float64", backend=b).gradients(batch)[1] for b in ("native", "numpy"))
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-14)
