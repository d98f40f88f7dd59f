"""`--backend`, CC, and the C text of `ir`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gpubp.cli import main
from tests.render.compiled import COMPILER, needs_compiler

RUN = ["run", "models/xor.net", "--device", "cpu", "--no-save", "--epochs", "20"]


def loss(capsys: pytest.CaptureFixture[str], *more: str) -> float:
    assert main([*RUN, "--json", *more]) == 0
    return float(json.loads(capsys.readouterr().out.splitlines()[-1])["metrics"]["train.loss"])


@needs_compiler
def test_both_backends_train_alike(capsys: pytest.CaptureFixture[str]) -> None:
    assert loss(capsys, "--backend", "native") == pytest.approx(loss(capsys, "--backend", "numpy"), rel=1e-5)


@needs_compiler
def test_the_environment_names_the_compiler(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert COMPILER is not None
    (tmp_path / "mycc").symlink_to(COMPILER.command)
    monkeypatch.setenv("CC", f"'{tmp_path}/mycc' -DUNUSED=1")
    assert main(RUN) == 0
    assert " and mycc" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["nothing-of-this-name", "'", "/", "/dev/null"])
def test_a_compiler_that_is_not_there(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", command)
    assert main(RUN) == 0
    assert f"there is no C compiler `{command}`" in capsys.readouterr().out
    assert main([*RUN, "--backend", "numpy"]) == 0
    assert "compiler" not in capsys.readouterr().out
    assert main([*RUN, "--backend", "native"]) == 2
    assert capsys.readouterr().err == f"error: there is no C compiler `{command}`\n"


@pytest.mark.parametrize("mode", ["train", "predict", "measure", "gradients"])
def test_the_c_text_is_printed(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ir", "models/xor.net", "--stage", "c", "--mode", mode]) == 0
    text = capsys.readouterr().out
    assert f"int {mode}_0(char *arena, void *const *tables) {{" in text
    assert "/* hidden.dense: dense(8) */" in text


@pytest.mark.parametrize("mode", ["train", "predict", "measure", "gradients"])
def test_the_cuda_text_is_printed(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ir", "models/digits_lstm.net", "--stage", "cuda", "--mode", mode, "--batch", "64"]) == 0
    told, _, text = capsys.readouterr().out.partition("*/")
    kernels = set(re.findall(r"^ +(\w+)  [\d,]+ x \d+$", told, re.MULTILINE))
    made = set(re.findall(r"__global__ void __launch_bounds__\(\d+, 1\) (\w+)\(", text))
    assert kernels == made
    assert "    8 times\n        " in told
    assert ("a step: " in told) == (mode == "train")


def test_a_net_in_a_block_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ir", "models/xor.net", "--stage", "cuda"]) == 0
    assert "up to 2,048 steps\n    train_block  1 x " in capsys.readouterr().out
