"""The curves of runs: which they are, as text, as files, and what is said where there are none."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gpubp.cli import main
from gpubp.picture import as_text, curves_file, panels
from gpubp.picture.charts import COLORS
from gpubp.picture.panel import Curve, Panel

from .test_graph import contrast
from .worlds import MODELS, sound

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    base = tmp_path_factory.mktemp("runs")
    for name, seed in (("a", "1"), ("b", "2")):
        words = ["--device", "cpu", "--epochs", "3", "--seed", seed, "--out", str(base / name), "--quiet"]
        assert main(["run", str(MODELS / "digits.net"), *words]) == 0
    return base / "a", base / "b"


def test_the_net_of_a_run_bears_the_name_of_its_file(runs: tuple[Path, Path], tmp_path: Path, capsys: Capture) -> None:
    assert main(["graph", str(runs[0]), "-o", str(tmp_path / "net.svg")]) == 0
    assert capsys.readouterr().out == f"wrote {tmp_path / 'net.svg'}: digits.net: 9,610 parameters\n"


def test_a_panel_for_each_figure(runs: tuple[Path, Path]) -> None:
    found = panels(runs)
    assert [panel.title for panel in found] == ["loss", "accuracy"], "the rate stays what it is"
    loss = found[0].curves
    assert [(curve.run, curve.part) for curve in loss] == [
        ("a", "train"),
        ("a", "valid"),
        ("b", "train"),
        ("b", "valid"),
    ]
    lines = [json.loads(line) for line in (runs[0] / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert loss[1].points == tuple((line["epoch"], line["valid.loss"]) for line in lines if "epoch" in line)
    (rate,) = panels(runs, ["learning rate"])
    assert rate.description() == [
        f"{name}: 0.002 at epoch 1, 0.002 at epoch 3; least 0.002, most 0.002" for name in "ab"
    ]
    assert [panel.title for panel in panels(runs, ["accuracy"])] == ["accuracy"]


def test_the_terminal(runs: tuple[Path, Path], capsys: Capture) -> None:
    assert main(["plot", *map(str, runs)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith(("loss", "accuracy"))] == [
        "loss   train (a)",
        "loss   valid (a)",
        "loss   train (b)",
        "loss   valid (b)",
        "accuracy   valid (a)",
        "accuracy   valid (b)",
    ], "without colour each curve stands alone"
    assert max(map(len, lines)) <= 120
    assert main(["plot", str(runs[0]), "--figure", "accurac"]) == 2
    assert "no figure `accurac`; there are `loss`, `accuracy`, `learning rate`" in capsys.readouterr().err


def test_text_is_a_picture() -> None:
    panel = Panel("loss", (Curve("a", "train", ((0, 0.0), (1, 1.0))), Curve("a", "valid", ((0, 1.0), (1, 1.0)))))
    rows = as_text([panel], 33, color=True).splitlines()
    assert rows[0] == "loss   \x1b[34mtrain (a)\x1b[0m   \x1b[33mvalid (a)\x1b[0m"
    plain = [re.sub(r"\x1b\[\d+m", "", row) for row in rows]
    assert plain[1].startswith("         1 │⠉⠉⠉⠉")
    assert plain[12].startswith("         0 │⡠"), "from the lower left corner"
    assert all(len(row) <= 33 for row in plain)
    wide = Panel("loss", (Curve("a", "train", ((0, 1.0), (1, 100.0))),))
    rows = as_text([wide], 40, color=False).splitlines()
    assert rows[0].startswith("loss, by powers of ten")
    assert [row.split()[0] for row in rows[1:13] if row[9] != " "] == ["100", "10", "1"]
    narrow = replace(wide, over="learning rate")
    narrow = replace(narrow, curves=(Curve("a", "train", ((1e-6, 1.0), (10, 2.0))),))
    assert as_text([narrow], 30, color=False).splitlines()[-1].split() == ["1e-06", "10"], "no room for a name between"
    flat = Panel("loss", (Curve("a", "train", ((3, 0.0),)),))
    assert "⠀" not in as_text([flat], 40, color=False)


def test_one_epoch_is_a_whole_number() -> None:
    text = curves_file([Panel("loss", (Curve("a", "train", ((1, 2.0),)),))], "svg").decode()
    numbers = re.findall(r">([\d.]+)</text>", text)
    assert [number for number in numbers if number.startswith(("0.9", "1"))] == ["1", "1.0", "1.5"]


def test_a_value_that_stays_is_named_beside_its_line() -> None:
    for value in (0.01, 0.0, 1e-6, -3.0):
        panel = Panel("rate", (Curve("a", "", ((2, value), (3, value))),))
        rows = as_text([panel], 40, color=False).splitlines()[1:13]
        drawn = [row for row in rows if not row.endswith("│")]
        assert [row.strip() for row in rows if not row.startswith(" " * 10)] == [row.strip() for row in drawn]
        assert drawn[0].split()[0] == f"{value:g}"


def like(run: Path, place: Path, seed: int, loss: float, **about: object) -> Path:
    """A folder like that of a run, with another seed, of one epoch less the larger the seed."""
    place.mkdir()
    (place / "resolved.net").write_bytes((run / "resolved.net").read_bytes())
    known = json.loads((run / "env.json").read_text("utf-8")) | {"seed": seed, "started": f"{seed}"} | about
    known["net"] |= {"seed": str(seed)}
    (place / "env.json").write_text(json.dumps(known), "utf-8")
    lines = [{"epoch": epoch, "step": 45 * epoch, "train.loss": loss / epoch} for epoch in range(1, 5 - seed)]
    (place / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return place


def test_runs_that_differ_by_the_seed_are_one_curve(runs: tuple[Path, Path], tmp_path: Path, capsys: Capture) -> None:
    wide, tall = {"params": {"act": "relu", "n": "9"}}, {"params": {"act": "relu", "n": "8"}}
    many = [like(runs[0], tmp_path / f"wide-{i}", i, i + 1.0, **wide) for i in range(3)]
    few = [like(runs[0], tmp_path / f"tall-{i}", i, 6.0, **tall) for i in range(2)]
    found = panels([*many, *few])
    mean, *others = found[0].curves
    assert (mean.run, mean.points) == ("n=9, 3 seeds", ((1, 2.0), (2, 1.0), (3, 0.5), (4, 0.25)))
    assert mean.spread == ((1.0, 3.0), (0.5, 1.5), (1 / 3, 2 / 3), (0.25, 0.25)), "the runs that came so far"
    assert [curve.run for curve in others] == ["tall-0", "tall-1"], "two are drawn one beside the other"
    assert found[0].description()[0] == ("n=9, 3 seeds, train: means 2 at epoch 1, 0.25 at epoch 4; least 0.25, most 3")
    assert [curve.run for curve in panels(many)[0].curves] == ["act=relu n=9, 3 seeds"]
    splits = [{"split": f"split(folds = 3, fold = {i})"} for i in (1, 2, 3)]
    folds = [like(runs[0], tmp_path / f"fold-{i}", 0, 1.0, params={"n": "7"}, net=net) for i, net in enumerate(splits)]
    assert [curve.run for curve in panels(folds)[0].curves] == ["n=7, 3 folds"]
    out = tmp_path / "c.svg"
    assert main(["plot", *map(str, [*many, *few]), "-o", str(out)]) == 0
    root = sound(out.read_text("utf-8"))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text and "train" in text] == [
        "n=9, 3 seeds, train",
        "tall-0, train",
        "tall-1, train",
    ]


def test_many_names_stand_beside_the_curves(runs: tuple[Path, Path], tmp_path: Path) -> None:
    many = [like(runs[0], tmp_path / f"run-{i}", 0, 1.0, params={"n": str(i)}) for i in range(25)]
    root = sound(curves_file(panels(many, ["loss"]), "svg").decode())
    height = float((root.get("viewBox") or "").split()[3])
    names = [one for one in root.iter("{http://www.w3.org/2000/svg}text") if one.text and one.text.startswith("run-")]
    assert len(names) == 25
    assert all(0 < float(one.get("y") or "nan") < height for one in names), "all of them are within the picture"


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_file(runs: tuple[Path, Path], tmp_path: Path, capsys: Capture, kind: str) -> None:
    files = [tmp_path / f"{name}.{kind}" for name in "xy"]
    for out in files:
        assert main(["plot", *map(str, runs), "-o", str(out)]) == 0
        assert capsys.readouterr().out == f"wrote {out}: loss, accuracy\n"
    first, second = (out.read_bytes() for out in files)
    assert first == second, "the same runs give the same bytes"
    if kind == "png":
        assert first.startswith(b"\x89PNG")
        return
    root = sound(first.decode())
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"loss", "accuracy", "a, valid", "epoch"} <= set(texts)
    assert "accuracy: b, valid: " in (root[1].text or "")


def test_colours_stand_out_on_white_and_black() -> None:
    for color in COLORS:
        assert contrast(color, "#ffffff") >= 3
        assert contrast(color, "#16171b") >= 3


def test_what_cannot_be_plotted(runs: tuple[Path, Path], tmp_path: Path, capsys: Capture) -> None:
    assert main(["plot", str(tmp_path / "nothing")]) == 2
    assert capsys.readouterr().err.endswith("nothing` is not a run: no such file or directory\n")
    assert main(["plot", str(runs[0]), "-o", "a.jpg"]) == 2
    assert "neither a .png nor an .svg file" in capsys.readouterr().err
    young = tmp_path / "young"
    young.mkdir()
    for name in ("env.json", "resolved.net"):
        (young / name).write_bytes((runs[0] / name).read_bytes())
    (young / "metrics.jsonl").write_text('{"epoch": 1, "train.loss": NaN}\n{"epoch"', "utf-8")
    assert main(["plot", str(young)]) == 2
    assert "has no epoch to plot yet" in capsys.readouterr().err


def test_matplotlib_is_asked_for(runs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["plot", str(runs[0])]) == 0, "text needs nothing"
    capsys.readouterr()
    assert main(["plot", str(runs[0]), "-o", "a.svg"]) == 2
    assert "needs matplotlib, which is not installed: `pip install 'gpubp[plot]'`" in capsys.readouterr().err
