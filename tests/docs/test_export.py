"""docs/export.md: its commands and programs do what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import gpubp
from tests.onnx.running import needs_onnx, needs_runtime
from tests.render.compiled import needs_compiler
from tests.training.worlds import write_net
from tools.markdown import blocks, commands, run

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = blocks((ROOT / "docs" / "export.md").read_text(encoding="utf-8"))


@needs_compiler
def test_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("models").symlink_to(ROOT / "models")
    shell, _ = [block for block in BLOCKS if block.kind == "console"]
    trained, exported = commands(shell)
    run(trained, Path())
    assert run(exported, Path()) == exported.printed
    text = Path("iris.c").read_text("utf-8")
    (told,) = [block.text for block in BLOCKS if block.text.startswith("int iris_predict")]
    prototype, _, slots = told.partition("\n\n")
    assert prototype in text
    assert "\n".join(f"   {line}" for line in slots.splitlines()) in text
    (main,) = [block.text for block in BLOCKS if block.kind == "c"]
    (lines,) = [block.text for block in BLOCKS if block.kind == "sh"]
    Path("main.c").write_text(main, "utf-8")
    said = subprocess.run(["sh", "-ec", lines], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    (shown,) = [block.text for block in BLOCKS if block.text.startswith("setosa")]
    found, wanted = ([float(n) for n in re.findall(r"\d\.\d\d", one)] for one in (said.stdout, shown))
    assert re.sub(r"\d", "", said.stdout) == re.sub(r"\d", "", shown)
    probabilities = gpubp.load_run("runs/iris", "cpu").predict([[5.1, 3.5, 1.4, 0.2]])[0]
    assert found == pytest.approx(wanted, abs=0.02)
    assert found == pytest.approx(probabilities.tolist(), abs=0.006)
    if shutil.which("gfortran"):
        (program,) = [block.text for block in BLOCKS if block.kind == "fortran"]
        Path("main.f90").write_text(program, "utf-8")
        (build,) = [block.text for block in BLOCKS if "gfortran" in block.text]
        said = subprocess.run(["sh", "-ec", f"{build}./main"], capture_output=True, text=True)
        assert [float(n) for n in said.stdout.split()] == pytest.approx(found, abs=0.006), said.stderr


def test_the_interface_for_fortran_is_that_of_the_file(tmp_path: Path) -> None:
    run = gpubp.train(gpubp.load(ROOT / "models/iris.net", {}), "cpu", epochs=1)
    gpubp.export(run, tmp_path / "iris.c")
    (program,) = [block.text for block in BLOCKS if block.kind == "fortran"]
    interface = re.findall(r"^ *interface\n.*?end interface$", program, re.MULTILINE | re.DOTALL)
    shown = [line.strip() for line in interface[0].splitlines()]
    lines = [line.strip() for line in (tmp_path / "iris.c").read_text("utf-8").splitlines()]
    at = lines.index("interface")
    assert lines[at : at + len(shown)] == shown


@needs_onnx
@needs_runtime
def test_the_example_of_onnx(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gpubp.train(gpubp.load(ROOT / "models/iris.net", {}), "cpu", out=tmp_path / "runs" / "iris")
    monkeypatch.chdir(tmp_path)
    _, shell = [block for block in BLOCKS if block.kind == "console"]
    (exported,) = commands(shell)
    assert run(exported, Path()) == exported.printed
    _, example = [block.text for block in BLOCKS if block.kind == "python"]
    exec(compile(example, "the example", "exec"), {})
    assert capsys.readouterr().out == "setosa\n"


def test_the_derivative_of_a_trained_net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = write_net(tmp_path).read_text("utf-8").replace("batch = 8", "batch = 8\n  precision = float64")
    run = gpubp.train(gpubp.loads(text, base=tmp_path), "cpu", out="runs/surrogate", epochs=2)
    (line,) = [block.text for block in BLOCKS if block.kind == "net"]
    Path("with-derivative.net").write_text(text.replace("-> dense(1)\n", f"-> dense(1)\n{line}\n"), "utf-8")
    (example,) = [block.text for block in BLOCKS if block.kind == "python" and "dp" in block.text]
    x = np.random.default_rng(0).normal(size=(5, 3))
    names = {"gpubp": gpubp, "x": x}
    exec(compile(example, "the example", "exec"), names)
    step = 1e-5 * np.eye(3)
    wanted = [(run.predict(x + one) - run.predict(x - one))[:, 0] / 2e-5 for one in step]
    np.testing.assert_allclose(names["executor"].predict(x)["dp"], np.transpose(wanted), rtol=1e-6, atol=1e-8)
    assert "double *dp" in Path("surrogate.c").read_text("utf-8")
