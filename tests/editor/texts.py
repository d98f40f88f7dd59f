"""Texts with a marked place, `|`."""

from __future__ import annotations

from pathlib import Path

from gpubp.editor.document import Document

ROOT = Path(__file__).resolve().parents[2]
ERRORS = sorted((ROOT / "tests" / "golden" / "errors").glob("*.net"))
MODELS = sorted((ROOT / "models").glob("*.net"))

HEAD = "param width = 8\nlet rate = 0.1\nfn twice(v) = 2 * v\n"
MODEL = """\
block deep(n, slope = 0.1) on x {
  h = x -> dense(n) -> leaky_relu(slope)
  return h -> dense(n)
}

model {
  input  x: [2]
  target y: [1]
  hidden = x -> deep(width) -> tanh as bent
  output p = hidden -> dense(1) -> sigmoid
}
"""


def at(text: str) -> tuple[Document, int]:
    """A text with `|` at a place, and the place."""
    offset = text.index("|")
    return Document(ROOT / "models" / "x.net", text.replace("|", "", 1)), offset


def model(line: str) -> str:
    return HEAD + "model {\n  input x: [2]\n" + line + "\n}\n"


def train(lines: str) -> str:
    return HEAD + MODEL + "train {\n" + lines + "\n}\n"
