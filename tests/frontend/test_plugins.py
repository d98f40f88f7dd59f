"""Layers that installed packages bring, by entry points."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

NET = """
model {
  input x: [2]
  output p = x -> thrice
}
"""


def install(folder: Path, body: str) -> None:
    """A package as pip would leave it: a module and its metadata."""
    (folder / "plugin_under_test.py").write_text(body)
    info = folder / "plugin_under_test-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin-under-test\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gpubp.layers]\nthrice = plugin_under_test\n")


PREDICT = f"import gpubp; print(gpubp.Executor(gpubp.loads({NET!r}), device='cpu').predict([[1, 2]]).tolist())"


def run(folder: Path, program: str = PREDICT) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": f"{folder}:{Path(__file__).parents[2]}"}
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)


def test_a_layer_of_an_installed_package(tmp_path: Path) -> None:
    install(
        tmp_path, "import gpubp\n\n@gpubp.layer('thrice')\ndef thrice(cx, x):\n    '''3 x.'''\n    return 3.0 * x\n"
    )
    assert run(tmp_path).stdout == "[[3.0, 6.0]]\n"


@pytest.mark.parametrize("body", ["import nowhere_to_be_found\n", "1 / 0\n"])
def test_a_broken_package_is_named(tmp_path: Path, body: str) -> None:
    install(tmp_path, body)
    assert "the installed package `plugin-under-test` cannot be used" in run(tmp_path).stderr
    codes = f"try: gpubp.loads({NET!r})\nexcept gpubp.NetError as e: print(*[one.code for one in e.diagnostics])"
    assert run(tmp_path, f"import gpubp\n{codes}").stdout == "E0208 W0203\n"
