"""Nets to draw, and what is asked of every picture."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import gpubp

MODELS = Path(__file__).resolve().parents[2] / "models"
ALL = sorted(path.stem for path in MODELS.glob("*.net"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SVG = "{http://www.w3.org/2000/svg}"

UNET = """
block double(ch) on x {
  return x -> conv(ch, 3, pad = same) -> batchnorm -> relu -> conv(ch, 3, pad = same) -> batchnorm -> relu
}
block down(ch) on x { return x -> maxpool(2) -> double(ch) }
block up(ch) on x, skip { return concat(x -> upsample(2) -> conv(ch, 2, pad = same), skip) -> double(ch) }
model {
  input  image: [32, 32, 3]
  target mask: [32, 32, 1]
  a = image -> double(16)
  b = a -> down(32)
  c = b -> down(64)
  d = c -> down(128)
  c2 = up(d, c, 64)
  b2 = up(c2, b, 32)
  a2 = up(b2, a, 16)
  output p = a2 -> conv(1, 1) -> sigmoid
}
"""

DEEP = """
model {
  input  x: [16]
  output p = x -> repeat 50 { dense(64) -> layernorm -> relu } -> dense(1) -> sigmoid
}
"""


def net(name: str) -> gpubp.Net:
    """A model that ships, or one of those above."""
    texts = {"unet": UNET, "deep": DEEP}
    return gpubp.loads(texts[name], f"{name}.net") if name in texts else gpubp.load(MODELS / f"{name}.net")


def sound(svg: str) -> ElementTree.Element:
    """The picture's tree, if it is one that stands alone and has a text alternative."""
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    named = {element.get("id"): element for element in root.iter()}
    told = [named[key] for key in (root.get("aria-labelledby") or "").split()]
    assert [element.tag for element in told] == [f"{SVG}title", f"{SVG}desc"]
    assert all(element.text and element.text.strip() for element in told)
    fetches_nothing(svg)
    assert not re.search(r"<script|<image|<foreignObject|font-face", svg)
    return root


def fetches_nothing(text: str) -> None:
    """No address but those that name a standard, and nothing that is loaded from elsewhere."""
    text = re.sub(r"data:image/png;base64,[\w+/=\s]*", "data:", text)
    standard = text.replace("http://www.w3.org/2000/svg", "").replace("http://www.w3.org/1999/xlink", "")
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)|(src|href)=\"(?!data:|#)", standard)


def browser(path: Path, folder: Path, *words: str) -> str:
    """What Chromium prints of a page."""
    assert CHROMIUM is not None
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}", *words]
    done = subprocess.run(
        [CHROMIUM, *options, "--virtual-time-budget=2000", "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout
