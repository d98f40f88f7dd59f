"""The report of a run: sound, alone, complete, and true."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from functools import cache
from html import unescape
from pathlib import Path

import numpy as np
import pytest

import gpubp
from gpubp.cli import main
from gpubp.data import load as load_data
from gpubp.picture.predictions import seen
from gpubp.picture.report import report

from ..insight.test_page import Page
from .worlds import CHROMIUM, MODELS, browser, fetches_nothing

Capture = pytest.CaptureFixture[str]
KINDS = {"xor": "20", "digits": "2", "spiral": "3", "diabetes": "2", "vae": "1", "pinn": "1"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("runs")
    for name, epochs in KINDS.items():
        words = ["--device", "cpu", "--epochs", epochs, "--out", str(base / name), "--quiet"]
        assert main(["run", str(MODELS / f"{name}.net"), *words]) == 0
    return base


@pytest.fixture(scope="module")
def page_of(runs: Path) -> Callable[[str], str]:
    """The report of a run by its name, made once."""
    return cache(lambda name: report(runs / name))


def copied(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / run.name))


def heads(text: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", text)


@pytest.mark.parametrize("name", KINDS)
def test_it_is_sound_and_asks_for_nothing(page_of: Callable[[str], str], name: str) -> None:
    text = page_of(name)
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert "<script" not in text
    fetches_nothing(text)
    pictures = re.findall(r"<svg\b[^>]*>", text)
    assert pictures
    for tag in pictures:
        assert 'role="img"' in tag
        (named,) = re.findall(r'aria-labelledby="([^"]*)"', tag)
        assert all(f'id="{key}">' in text for key in named.split())
    inner = [one for one in page.attributes if one[1] == "href" and one[2].startswith("#part")]
    assert len(inner) == len(heads(text))
    assert {target[1:] for _, _, target in inner} <= set(page.ids)


def test_what_stands_in_it(page_of: Callable[[str], str]) -> None:
    always = ["figures", "file", "net", "curves", "gradients"]
    assert heads(page_of("digits")) == [*always, "predictions: digit", "worst predictions: digit", "environment"]
    assert heads(page_of("diabetes")) == [
        *always,
        "predictions: progression",
        "worst predictions: progression",
        "environment",
    ]
    assert heads(page_of("vae")) == [*always, "environment"], "no target to compare with"
    assert heads(page_of("pinn")) == [*always[:4], "environment"], "too few steps to measure gradients"
    assert "over the plane of point" in page_of("spiral")
    assert "over the plane" not in page_of("diabetes")
    assert "the worst examples" in page_of("digits"), "pictures"


def test_its_numbers_are_those_of_the_run(runs: Path, page_of: Callable[[str], str]) -> None:
    text = page_of("digits")
    run = gpubp.load_run(runs / "digits", "cpu")
    for value in run.metrics.values():
        assert f"<td>{value:.4g}</td>" in text
    for curve in ("train", "valid"):
        last = run.history[-1]
        assert f"digits, {curve}: {run.history[0][f'{curve}.loss']:.4g} at epoch 1, {last[f'{curve}.loss']:.4g}" in text
    data = load_data(run.net.graph, run.net.base, 0)
    rows = data.part("test")
    assert isinstance(rows, dict)
    p = run.executor.predict(rows["image"])
    given, right = p[np.arange(len(p)), rows["digit"]], int((p.argmax(1) == rows["digit"]).sum())
    assert f"{right} of {len(p)} rows are right" in text
    i = int(given.argmin())
    cells = f"<td>{rows['digit'][i]}</td><td>{p[i].argmax()}</td><td>{given[i]:.4f}</td>"
    number = data.parts["test"][i] + 1
    assert f'<tbody><tr><th scope="row">{number:,}</th>{cells}' in text, "the worst row comes first"


def test_numbers_are_judged_by_their_distance(runs: Path, page_of: Callable[[str], str]) -> None:
    text = page_of("diabetes")
    run = gpubp.load_run(runs / "diabetes", "cpu")
    data = load_data(run.net.graph, run.net.base, 0)
    rows = data.part("test")
    assert isinstance(rows, dict)
    distance = np.abs(run.executor.predict(rows["patient"]) - rows["progression"])[:, 0]
    i = int(distance.argmax())
    assert f'<tbody><tr><th scope="row">{data.parts["test"][i] + 1:,}</th>' in text
    assert f"largest {distance[i]:.4g}" in text


def test_the_file_is_there_as_it_was_written(page_of: Callable[[str], str]) -> None:
    (shown,) = re.findall(r'<pre class="source" tabindex="0">(.*?)</pre>', page_of("spiral"), re.DOTALL)
    assert '<span class="s-k">model</span>' in shown
    assert unescape(re.sub(r"<[^>]+>", "", shown)).strip() == (MODELS / "spiral.net").read_text("utf-8").strip()
    (settled,) = re.findall(r'<pre class="settled" tabindex="0">(.*?)</pre>', page_of("spiral"), re.DOTALL)
    assert re.sub(r"<[^>]+>", "", settled).split() == ["epochs", "=", KINDS["spiral"]]


def test_a_file_that_says_all_is_told_once(tmp_path: Path) -> None:
    assert main(["run", str(MODELS / "xor.net"), "--device", "cpu", "--quiet", "--out", str(tmp_path / "run")]) == 0
    assert "settled" not in report(tmp_path / "run").partition("</style>")[2]


def sizes(run: Path, gradients: dict[str, list[object]]) -> None:
    with (run / "health.jsonl").open("w", encoding="utf-8") as file:
        for at, step in enumerate((0, 2, 40)):
            for number, (layer, values) in enumerate(gradients.items(), 1):
                record = {"step": step, "epoch": step / 4, "layer": layer, "number": number, "activation": 0.5}
                file.write(json.dumps({**record, "gradient": values[at], "dead": 0.0, "saturated": 0.0}) + "\n")


def test_gradients_by_layer_and_step(runs: Path, tmp_path: Path) -> None:
    run = copied(runs / "pinn", tmp_path)
    sizes(run, {"a.dense": [1e-3, 2e-3, 4e-3], "b": [None, 0.0, "nan"], "p.dense": [0.5, "inf", 0.25]})
    text = report(run)
    assert "gradients" in heads(text)
    assert "a.dense: 0.001 at step 0, 0.004 at step 40; least 0.001, most 0.004" in text
    assert "b: no gradient" in text
    assert "p.dense: 0.5 at step 0, 0.25 at step 40" in text
    (run / "health.jsonl").unlink()
    assert "gradients" not in heads(report(run)), "a run that has none"
    sizes(run, {"b": [None, 0.0, "nan"]})
    assert "gradients" not in heads(report(run))
    (run / "health.jsonl").write_text('{"step": 0, "layer": "a"}\n{"st', "utf-8")
    assert "gradients" not in heads(report(run))


def test_what_was_found_wrong_is_told(runs: Path, tmp_path: Path) -> None:
    run = copied(runs / "digits", tmp_path)
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
        found = [{"kind": "dead", "message": "<dead> units", "help": ["a -> relu"]}]
        file.write(json.dumps({"metrics": {"test.loss": 1.0}, "health": found}) + "\n")
    text = report(run)
    assert "&lt;dead&gt; units" in text
    assert "<li>a -&gt; relu</li>" in text


TEXT = """
data {
  said, next = text("a.txt", window = 12, level = word)
}
model {
  input  said: class(?words)[12]
  target next: class(words)[12]
  output p = said -> embedding(8) -> dense(words) -> softmax
}
train {
  loss      = cross_entropy(p, next, ignore = 0)
  optimizer = adam(lr = 0.05)
  epochs    = 20
}
"""


def test_answers_for_each_position_of_a_sequence(tmp_path: Path) -> None:
    words = ["the", "cat", "<sat>", "on", "the", "mat", "."]
    (tmp_path / "a.txt").write_text(" ".join(np.random.default_rng(0).choice(words, 600)), "utf-8")
    (tmp_path / "a.net").write_text(TEXT, "utf-8")
    out = tmp_path / "run"
    assert main(["run", str(tmp_path / "a.net"), "--device", "cpu", "--out", str(out), "--quiet"]) == 0
    run = gpubp.load_run(out, "cpu")
    rows = load_data(run.net.graph, run.net.base, 0).part("train")
    assert isinstance(rows, dict)
    p, true = run.executor.predict(rows["said"]), rows["next"]
    given = np.take_along_axis(p, true[..., None], 2)[..., 0]
    given[true == 0] = 2.0  # these are no positions to predict
    row, place = divmod(int(given.argmin()), 12)
    text = report(out)
    last = ["predictions: next", "worst predictions: next", "environment"]
    assert heads(text) == ["figures", "file", "net", "curves", "gradients", *last]
    right, of = int((p.argmax(2) == true)[true > 0].sum()), int((true > 0).sum())
    assert 0 < right < of < true.size
    assert f"{right:,} of {of:,} positions are right." in text
    names = run.words["next"]
    before = " ".join(names[k] for k in rows["said"][row, max(0, place - 7) : place + 1])
    cells = [place + 1, names[true[row, place]], names[int(p[row, place].argmax())], f"{given[row, place]:.4f}"]
    cells.append(("… " if place > 7 else "") + before)
    found = re.search(
        f'<tbody><tr><th scope="row">{row + 1}</th>(.*?)</tr>', text[text.index("worst predictions: next</h2>") :]
    )
    assert found is not None, "the worst one comes first"
    assert [unescape(cell) for cell in re.findall("<td>(.*?)</td>", found[1])] == [str(cell) for cell in cells]


NAMES = """
# </pre><script>alert(1)</script>
data {
  point, kind = csv("a.csv", target = "kind")
}
model {
  input  point: [2]
  target kind: class(?k)
  output p = point -> dense(k) -> softmax
}
train {
  loss      = cross_entropy(p, kind)
  optimizer = sgd(lr = 0.1)
  epochs    = 1
}
"""


def test_names_stay_text(tmp_path: Path) -> None:
    words = ["$x_{$", "<b>", "_under", "a & b", "雨"]
    rows = "".join(f"{i},{i % 7},{words[i % 5]}\n" for i in range(30))
    (tmp_path / "a.csv").write_text(f"u,v,kind\n{rows}", "utf-8")
    (tmp_path / "<i>$n$.net").write_text(NAMES, "utf-8")
    out = tmp_path / "run"
    assert main(["run", str(tmp_path / "<i>$n$.net"), "--device", "cpu", "--out", str(out), "--quiet"]) == 0
    text = report(out)
    page = Page(text)
    assert not {"i", "b", "script"} & set(page.texts)
    assert "<i>$n$.net, a run" in page.texts["h1"]
    assert all(f">{word}<" in text for word in ("$x_{$", "&lt;b&gt;", "a &amp; b", "雨"))


def test_data_that_is_gone_leaves_out_the_predictions(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("u,v,kind\n1,2,a\n3,4,b\n", "utf-8")
    (tmp_path / "a.net").write_text(NAMES, "utf-8")
    out = tmp_path / "run"
    assert main(["run", str(tmp_path / "a.net"), "--device", "cpu", "--out", str(out), "--quiet"]) == 0
    (tmp_path / "a.csv").unlink()
    text = report(out)
    assert heads(text) == ["figures", "file", "net", "curves", "predictions", "environment"]
    assert "The data cannot be read any more: " in text
    assert "a.csv" in text


def test_the_command(runs: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    run = copied(runs / "xor", tmp_path)
    assert main(["report", str(run)]) == 0
    assert capsys.readouterr().out == f"wrote {run / 'report.html'}: it needs no network\n"
    text = (run / "report.html").read_text("utf-8")
    out = tmp_path / "other.html"
    assert main(["report", str(run / "last.safetensors"), "-o", str(out)]) == 0
    assert out.read_text("utf-8") == text, "the same run gives the same page"
    assert main(["report", str(run), "-o", "report.pdf"]) == 2
    assert capsys.readouterr().err == "error: `report.pdf` is not an .html file, and a report is a page\n"
    assert main(["report", str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "pygments", None)
    assert main(["report", str(run)]) == 0
    assert 'class="s-k"' not in (run / "report.html").read_text("utf-8")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    capsys.readouterr()
    assert main(["report", str(run)]) == 2
    assert "`pip install 'gpubp[plot]'` brings it" in capsys.readouterr().err


MEASURE = """
<script>
const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
const fetched = performance.getEntriesByType("resource").filter((one) => !one.name.startsWith("data:")).length;
const small = [...document.querySelectorAll("svg.chart")].filter((one) => one.getBoundingClientRect().width < 150);
document.body.setAttribute("data-found", [wide, fetched, small.length].join("|"));
</script></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
@pytest.mark.parametrize(("name", "width"), [("xor", 500), ("digits", 500), ("digits", 1600)])
def test_a_browser_shows_it_at_any_width(page_of: Callable[[str], str], tmp_path: Path, name: str, width: int) -> None:
    out = tmp_path / "page.html"
    text = page_of(name).replace("</body>", MEASURE).replace("<details>", "<details open>")
    out.write_text(text, "utf-8")
    (found,) = re.findall(r'data-found="([^"]*)"', browser(out, tmp_path, f"--window-size={width},900"))
    assert found == "false|0|0"


@pytest.mark.parametrize(("word", "shown"), [("a b", "a b"), (" ", "' '"), ("\n", "'\\n'"), ("", "''"), ("ü", "ü")])
def test_blank_words_are_seen(word: str, shown: str) -> None:
    assert seen(word) == shown
