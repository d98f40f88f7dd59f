"""The page of a step: sound HTML that asks for nothing beside itself, with the numbers of `explain`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

import gpubp
from gpubp.cli import main
from gpubp.health import sizes
from gpubp.insight import PAGED, as_html, as_text, document, trace
from gpubp.insight.document import numbers

from .worlds import MODELS, model

VOID = {"meta", "link", "br"}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page(HTMLParser):
    """What a page is made of; AssertionError where a tag is not closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: dict[str, str] = {}
        self.ids: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, key, value or "") for key, value in attrs]
        self.ids += [value or "" for key, value in attrs if key == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + data


def made(name: str) -> tuple[str, dict[str, Any]]:
    told = document(trace(*model(name)))
    return as_html(told, f"{name}, example 1"), told


@pytest.mark.parametrize("name", ["worked_example", "digits_cnn", "pinn", "digits_lstm"])
def test_it_is_sound_and_asks_for_nothing(name: str) -> None:
    text, told = made(name)
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    loads = [one for one in page.attributes if one[1] in ("src", "href", "srcset", "action", "data")]
    assert loads == [("link", "href", "data:,")]
    assert not re.search(r"https?:|//[a-z]|@import|url\(|fetch\(|XMLHttp|import\(", text)
    (data,) = re.findall(r'<script type="application/json" id="trace">(.*?)</script>', text, re.DOTALL)
    assert json.loads(data) == told
    assert as_text(told) in page.texts["pre"], "a text for those who do not see the page, or run no scripts"
    assert ("html", "lang", "en") in page.attributes


def test_what_the_file_says_stays_text() -> None:
    net = gpubp.loads(
        """
data {
  x = [[1, 2]]
  y = [[1]]
}
model {
  input  x: [2]
  target y: [1]
  output p = x -> dense(1, init = normal(0.1)) # </script><b>
}
train {
  loss = mse(p, y)
  optimizer = sgd(lr = 0.1)
  epochs = 1
}
""",
        name="<i>&amp;</script>.net",
    )
    ex = gpubp.Executor(net, "cpu")
    text = as_html(document(trace(ex, {"x": [[1, 2]], "y": [[1]]})), "<b>about</b>")
    page = Page(text)
    assert "a step of <i>&amp;</script>.net" in page.texts["h1"]
    assert not {"i", "b"} & set(page.texts)
    (data,) = re.findall(r'id="trace">(.*?)</script>', text, re.DOTALL)
    assert json.loads(data)["file"] == "<i>&amp;</script>.net"


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "page.html"
    assert main(["explain", str(MODELS / "xor.net"), "--html", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"wrote {out}: ")
    assert main(["explain", str(MODELS / "xor.net"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (data,) = re.findall(r'id="trace">(.*?)</script>', out.read_text("utf-8"), re.DOTALL)
    assert json.loads(data) == told
    assert main(["explain", str(MODELS / "xor.net"), "--html", str(tmp_path / "page.pdf")]) == 2
    assert main(["explain", str(MODELS / "xor.net"), "--html", str(tmp_path / "nowhere" / "page.html")]) == 1
    assert "cannot save" in capsys.readouterr().err
    for folder in (".", "..", str(tmp_path)):
        assert main(["explain", str(MODELS / "xor.net"), "--html", folder]) == 1
        assert capsys.readouterr().err == f"error: cannot save `{folder}`: is a directory\n"


def shown(text: str, folder: Path, place: str = "") -> str:
    """The page as a browser has it after its scripts."""
    path = folder / "page.html"
    path.write_text(text, "utf-8")
    assert CHROMIUM is not None
    words = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [*words, "--virtual-time-budget=2000", "--dump-dom", f"{path.as_uri()}{place}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


KEYS = """
<script>
const about = (key) => ({ key, bubbles: true, cancelable: true });
const press = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", about(key)));
const heard = [];
window.onerror = (message) => heard.push(message);
for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "Home", "ArrowLeft", "ArrowRight"]) {
  press(key);
  heard.push(document.getElementById("heading").textContent);
}
document.getElementById("next").click();
heard.push(document.getElementById("heading").textContent, document.activeElement.id);
heard.push(performance.getEntriesByType("resource").filter((one) => !one.name.startsWith("data:")).length);
document.body.setAttribute("data-heard", heard.join("|"));
</script></body>"""


OPEN = """
<script>
document.querySelectorAll("#stage details").forEach((one) => { one.open = true; });
</script></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_matrix_is_colours_and_on_demand_numbers(tmp_path: Path) -> None:
    page = shown(made("digits")[0].replace("</body>", OPEN), tmp_path, "#5")
    stage = page[page.index('id="stage"') : page.index('class="hint"')]
    weight = stage[stage.index("p.dense.weight") : stage.index("p.dense.bias")]
    heat, numbers = weight.split("<details")
    assert heat.count("<td") == numbers.count("<td") == 128 * 10
    value = gpubp.Executor(model("digits")[0].net, "cpu", "float64").parameters["p.dense.weight"]
    titles = re.findall(r'<td title="\[(\d+), (\d+)\]  ([^"]+)"', heat)
    assert len(titles) == value.size
    assert all(float(text) == pytest.approx(value[int(i), int(j)], rel=1e-6) for i, j, text in titles)
    assert re.findall(r'<th scope="row">(\d+)</th>', numbers) == [str(i) for i in range(128)]


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_numbers_have_the_digits_that_their_type_holds(tmp_path: Path) -> None:
    """0.1 + 0.2 is 0.30000000000000004 in the document, and 0.3 for a reader."""
    text, told = made("worked_example")
    values = [line["value"]["values"] for line in told["layers"][0]["forward"] if line["name"] == "z1"]
    assert values == [pytest.approx([0.1, 0.3], rel=1e-15)]
    page = shown(text, tmp_path, "#2")
    stage = page[page.index('id="stage"') : page.index('class="hint"')]
    assert '<td title="0.1"' in stage
    assert '<td title="0.3"' in stage
    assert not re.search(r"\d\.\d{16}", stage)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_are_the_shortest_that_are_read_as_what_they_were(dtype: str) -> None:
    """Of every bit pattern; those of float32 as JSON has them are made the same again by the type alone."""
    rng = np.random.default_rng(0)
    whole = np.uint32 if dtype == "float32" else np.uint64
    values = rng.integers(0, np.iinfo(whole).max, 20_000, whole, endpoint=True).view(dtype)
    values = np.concatenate([values[np.isfinite(values)], np.array([0.1, 1 / 3, 1e-45, 3e38, -0.0, 16777217], dtype)])
    made = json.loads(json.dumps(numbers(values)))
    assert np.array(made, dtype).tobytes() == values.tobytes()
    assert made[-6] == 0.1
    assert [len(repr(one)) for one in made] == [len(repr(float(str(one)))) for one in values]
    assert numbers(np.array([np.nan, np.inf], dtype)) == ["nan", "inf"]


def test_what_is_too_large_for_the_page_is_told() -> None:
    net = gpubp.loads(
        "model {\n  input x: [65]\n  target y: [64]\n  output p = x -> dense(64)\n}\n"
        "train {\n  loss = mse(p, y)\n  optimizer = sgd(lr = 0.1)\n  epochs = 1\n}\n"
    )
    told = document(trace(gpubp.Executor(net, "cpu"), {"x": [[1] * 65], "y": [[1] * 64]}), most=PAGED)
    lines = {line["name"]: line["value"] for line in told["layers"][0]["forward"]}
    assert set(lines["W1"]) == {"shape", "first", "min", "max", "mean"}
    assert set(lines["a1"]) == {"shape", "values", "min", "max", "mean"}


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_keys_and_buttons_step_and_nothing_is_fetched(tmp_path: Path) -> None:
    page = shown(made("worked_example")[0].replace("</body>", KEYS), tmp_path)
    (heard,) = re.findall(r'data-heard="([^"]*)"', page)
    one, two = "forward, layer 1, hidden", "forward, layer 2, p"
    wanted = [one, two, one, "the layers", "the layers", "the example", "the example", one, two, "stage", "0"]
    assert heard.split("|") == wanted


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_without_a_loss_it_steps_forward_only(tmp_path: Path) -> None:
    net = gpubp.loads("model {\n  input x: [2]\n  output p = x -> dense(1) -> sigmoid\n}\n")
    ex, rows = gpubp.Executor(net, "cpu"), {"x": [[1.0, 2.0]]}
    text = as_html(document(trace(ex, rows), sizes(ex, rows), 1), "")
    page = shown(text.replace("</body>", KEYS), tmp_path)
    (heard,) = re.findall(r'data-heard="([^"]*)"', page)
    one, last = "forward, layer 1, p", "the layers"
    wanted = [one, last, one, last, last, "the example", "the example", one, last, "stage", "0"]
    assert heard.split("|") == wanted
    assert page.count('<td class="bars"') == 1, "of a layer's result, and of no delta"


WALK = """
<script>
const walked = [];
for (let step = 1; step <= 8; step += 1) {
  walked.push(encodeURIComponent(document.body.innerText));
  document.getElementById("next").click();
}
document.body.setAttribute("data-walked", walked.join("|"));
</script></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_browser_steps_through_it(tmp_path: Path) -> None:
    """A script that failed would leave a step empty."""
    page = shown(made("worked_example")[0].replace("</body>", WALK), tmp_path, "#1")
    (walked,) = re.findall(r'data-walked="([^"]*)"', page)
    steps = [unquote(step) for step in walked.split("|")]
    for number, step in enumerate(steps, 1):
        assert f"step {number} of 8" in step
    for number, heading, formula in (
        (1, "the example", "x"),
        (3, "forward, layer 2, p", "z2 = a1 @ W2 + b2"),
        (4, "the loss", "L = 0.5 * (a2 - y)2"),
        (6, "backward, layer 1, hidden", "\u03b41 = \u2202L/\u2202a1 * (a1 * (1 - a1))"),
        (7, "the update", "hidden.dense.weight, change"),
        (7, "the update", "hidden.dense.weight, after"),
    ):
        assert heading in steps[number - 1]
        assert formula in steps[number - 1]
