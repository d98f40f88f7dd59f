"""A net of images from the command line: trained on folders, asked about another folder, gone on with."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest

import gpubp
from gpubp.cli import main
from gpubp.data import load as load_data

Image = pytest.importorskip("PIL.Image")
NET = """data {
  photo, kind = images("photos", labels = folders, size = 8)
  split       = split(train = 75%, valid = 25%, stratify = kind)
}

model {
  input  photo: [8, 8, 1]
  target kind: class(?k)
  output p = photo -> conv(4, 3) -> relu -> global_avgpool -> dense(k) -> softmax
}

train {
  loss      = cross_entropy(p, kind)
  optimizer = adam(lr = 0.05)
  batch     = 8
  epochs    = 40
  metrics   = [accuracy(p, kind)]
}
"""


def stripes(place: Path, upright: bool, seed: int) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    wave = np.random.default_rng(seed).uniform(0, 60, (12, 10)) + 180 * (np.arange(10) % 4 < 2)
    Image.fromarray((wave if upright else np.rot90(wave)).astype(np.uint8)).save(place)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for i in range(16):
        for upright, kind in ((True, "fence"), (False, "stairs")):
            stripes(tmp_path / f"photos/{kind}/{i}.png", upright, i)
    for i, (upright, kind) in enumerate(((True, "fence"), (False, "stairs"), (True, "fence"))):
        stripes(tmp_path / f"new/{kind}/{i}.jpg", upright, 100 + i)
    (tmp_path / "stripes.net").write_text(NET, encoding="utf-8")
    assert main(["run", "stripes.net", "--device", "cpu", "--out", "run", "--quiet"]) == 0
    return tmp_path


def test_new_images_are_answered(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["predict", "run", "new", "--keep", "file", "--device", "cpu"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["file"] for row in rows] == ["new/fence/0.jpg", "new/fence/2.jpg", "new/stairs/1.jpg"]
    assert [row["kind"] for row in rows] == ["fence", "fence", "stairs"]
    assert set(rows[0]) == {"file", "kind", "p.fence", "p.stairs"}
    assert main(["evaluate", "run", "new/", "--json", "--device", "cpu"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == 3
    assert found["metrics"]["accuracy"] == 1


def test_a_report_names_the_files_it_is_wrong_about(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As they are, whatever signs are in their names."""
    for kind, odd in (("fence", "<b>$x$ & 'y'"), ("stairs", "long" * 20)):
        for i in range(16):
            (home / f"photos/{kind}/{i}.png").rename(home / f"photos/{kind}/{odd}{i}.png")
    assert main(["run", "stripes.net", "--device", "cpu", "--epochs", "1", "--out", "odd", "--quiet"]) == 0
    assert main(["report", "odd"]) == 0
    text = (home / "odd/report.html").read_text("utf-8")
    assert "each row is a file.</p>" in text
    worst = text[text.index("worst predictions: kind</h2>") :]
    table = worst[worst.index("<table") : worst.index("</table>")]
    assert table.startswith('<table class="plain"><thead><tr><th scope="col">file</th><th scope="col">true</th>')
    named = [unescape(name) for name in re.findall(r'<tr><th scope="row">(.*?)</th>', table)]
    net = gpubp.load(home / "stripes.net")
    data = load_data(net.graph, net.base, 0)
    valid = [data.place(int(row))[0] for row in data.parts["valid"]]
    assert sorted(named) == sorted(valid)
    assert all((home / name).is_file() for name in named)
    assert [data.place(i) for i in (0, 16)] == [(sorted_names(home, kind)[0], None) for kind in ("fence", "stairs")]
    assert "<b>" not in worst


def sorted_names(home: Path, kind: str) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in (home / "photos" / kind).iterdir())


def test_mistakes_are_told_with_their_place(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["predict", "run", "news", "--device", "cpu"]) == 2
    assert "`news` does not exist" in capsys.readouterr().err
    (home / "new/stairs/notes.txt").write_text("?")
    assert main(["predict", "run", "new", "--device", "cpu"]) == 2
    assert "`new/stairs/notes.txt` is no image" in capsys.readouterr().err
    (home / "new/stairs/notes.txt").unlink()
    (home / "new/stairs/more").mkdir()
    assert main(["predict", "run", "new", "--device", "cpu"]) == 2
    told = capsys.readouterr().err
    assert "`new/stairs` holds the folder `more`" in told
    assert "help: move it elsewhere" in told
    assert main(["predict", "run", "new/stairs/1.jpg", "--device", "cpu"]) == 2
    told = capsys.readouterr().err
    assert "`new/stairs/1.jpg` is one image" in told
    assert "help: a folder is read: `new/stairs`" in told
    assert main(["predict", "run", "new/9.jpg", "--device", "cpu"]) == 2
    assert "`new/9.jpg` does not exist" in capsys.readouterr().err
    (home / "photos/fence/0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert main(["run", "stripes.net", "--device", "cpu", "--no-save"]) == 2
    told = capsys.readouterr().err
    assert "error[E0422]: `photos/fence/0.png` cannot be read as an image" in told
    assert "stripes.net:2:24" in told


def test_a_picture_that_is_too_large_is_not_called_damaged(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    capsys.readouterr()
    for most in (60, 30):  # a warning of Pillow, and an error
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        assert main(["predict", "run", "new", "--device", "cpu"]) == 2
        told = capsys.readouterr().err
        assert "`new/fence/0.jpg` has more pixels than are read" in told
        assert "help: make it smaller" in told


def test_a_run_goes_on_with_the_images_it_began_with(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hashes = json.loads((home / "run/env.json").read_text())["data"]
    assert list(hashes) == ["photos"]
    (home / "photos/.thumbs").mkdir()
    (home / "photos/.thumbs/x").write_bytes(b"?")
    assert main(["run", "--resume", "run", "--epochs", "41", "--quiet"]) == 0
    stripes(home / "photos/fence/0.png", True, 1)
    capsys.readouterr()
    assert main(["run", "--resume", "run", "--epochs", "42", "--quiet"]) == 2
    assert "photos" in capsys.readouterr().err
    rmtree(home / "photos/fence")
    assert main(["run", "--resume", "run", "--epochs", "42", "--quiet"]) == 2
