"""`run` with its folder, `predict`, `evaluate`: what they print and write, and their refusals."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
from pathlib import Path

import pytest

from gpubp.training import run_records

from .worlds import MODELS, Call, files, write

IRIS = MODELS / "data" / "iris.csv"


def only_run() -> Path:
    (run,) = Path("runs").iterdir()
    return run


def test_run_saves_to_a_folder_of_its_own(call: Call, tmp_path: Path) -> None:
    said = call("run", write(tmp_path), "--device", "cpu")
    assert said.code == 0
    run = only_run()
    assert re.fullmatch(r"\d{8}-\d{6}-a-[0-9a-f]{8}", run.name)
    next_steps = f"`gpubp plot {run}` plots its curves\n`gpubp predict {run} TABLE` predicts new rows\n"
    assert said.out.endswith(f"\nsaved to {run}\n{next_steps}")
    saved = ["env.json", "health.jsonl", "last.safetensors", "metrics.jsonl", "resolved.net", "written.net"]
    assert files(run) == saved
    assert json.loads(call("run", tmp_path / "a.net", "--json").out.splitlines()[-1])["folder"] in map(
        str, Path("runs").iterdir()
    )


def test_no_save(call: Call, tmp_path: Path) -> None:
    said = call("run", write(tmp_path), "--device", "cpu", "--no-save")
    assert said.code == 0
    assert "saved to" not in said.out
    assert files(tmp_path) == ["a.csv", "a.net"]
    both = call("run", tmp_path / "a.net", "--no-save", "--out", "x")
    assert both.code == 2
    assert "not allowed with" in both.err


def test_quiet_prints_the_results_alone(call: Call, tmp_path: Path) -> None:
    said = call("run", write(tmp_path), "--device", "cpu", "--quiet")
    assert (said.code, said.err) == (0, "")
    assert "epoch" not in said.out
    assert said.out.splitlines()[0].split() == ["loss"]


def test_figures_that_are_not_finite_are_valid_json(call: Call, tmp_path: Path) -> None:
    """The loss of one row of validation overflows."""
    path = write(tmp_path)
    rows = [f"{a},{b},{y},train" for a, b, y in ((0, 0, 0), (1, 1, 1), (2, 3, 2))]
    (tmp_path / "a.csv").write_text("\n".join(["a,b,y,part", *rows, "1,1,1e30,valid", ""]), "utf-8")
    split = '  split = split(column = "part")'
    path.write_text(path.read_text("utf-8").replace('target = "y")', f'target = "y")\n{split}'), "utf-8")
    said = call("run", path, "--json", "--out", "run", "--epochs", "2")
    assert said.code == 1
    lines = said.out.splitlines() + Path("run/metrics.jsonl").read_text("utf-8").splitlines()
    lines.append(json.dumps(json.loads(call("runs", "run", "--json").out)[0]["figures"]))
    assert [json.loads(line, parse_constant=pytest.fail)["valid.loss"] for line in lines] == ["inf"] * 5
    assert [record["valid.loss"] for record in run_records(Path("run"))] == [math.inf] * 2
    assert "valid.loss inf" in call("runs", "run").out


def test_resume_without_the_file(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path)
    whole = json.loads(call("run", path, "--json", "--no-save", "--epochs", "6").out.splitlines()[-1])
    call("run", path, "--epochs", "2")
    run, text = only_run(), path.read_text("utf-8")
    path.unlink()  # the run has its own copy; the data is where it was
    said = call("run", "--resume", run, "--epochs", "6", "--json")
    assert said.code == 0
    assert [json.loads(line)["epoch"] for line in said.out.splitlines()[:-1]] == [3, 4, 5, 6]
    assert json.loads(said.out.splitlines()[-1])["metrics"] == whole["metrics"]
    assert only_run() == run, "it goes on in its folder"
    assert (run / "written.net").read_text("utf-8") == text
    assert json.loads((run / "env.json").read_text("utf-8"))["name"] == str(path)
    again = call("run", "--resume", run / "last.safetensors", "--epochs", "7", "--no-save")
    assert again.code == 0
    for wrong in ("nowhere", tmp_path / "a.csv", tmp_path):
        refused = call("run", "--resume", wrong)
        assert (refused.code, refused.out) == (2, "")
        assert refused.err.count("error:") == 1
        assert "is not a run" in refused.err


def test_a_resume_of_another_net_is_refused(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path)
    call("run", path)
    path.write_text(path.read_text("utf-8").replace("lr = 0.1", "lr = 0.2"), "utf-8")
    said = call("run", path, "--resume", only_run())
    assert said.code == 2
    assert "`optimizer` was `sgd(lr = 0.1, " in said.err


def test_early_stop_says_so(call: Call, tmp_path: Path) -> None:
    net = (
        (MODELS / "iris.net")
        .read_text("utf-8")
        .replace("data/iris.csv", str(IRIS))
        .replace("test = 30%", "valid = 30%")
    )
    stop = "  early_stop = early_stop(valid.accuracy, patience = 2epochs)\n}"
    said = call("run", write(tmp_path, net=net.rstrip().removesuffix("}") + stop, rows=None))
    assert said.code == 0
    found = re.search(r"\nstopped early after epoch (\d+)\nthe best state, of epoch (\d+), is the result\n", said.out)
    assert found is not None
    assert int(found[1]) == int(found[2]) + 2


def test_rows_that_are_left_out_are_counted(call: Call, tmp_path: Path) -> None:
    rows = "a,b,y\n1,2,3\n,2,4\n5,6,7\n8,9,?\n"
    path = write(tmp_path, rows=rows, data=", missing = drop")
    said = call("run", path, "--out", "run")
    assert said.out.splitlines()[0].split("; ")[1] == "rows: 2 train (2 dropped for missing cells)"
    assert json.loads(Path("run/env.json").read_text("utf-8"))["left_out"] == 2
    assert call("check", path).out.startswith("rows: 2 train (2 dropped for missing cells)\n\nvalue ")
    assert "left out" not in call("check", write(tmp_path, data=", missing = drop")).out


def test_predict_and_evaluate(call: Call, tmp_path: Path) -> None:
    call("run", MODELS / "iris.net", "--out", "iris", "--device", "cpu")
    said = call("predict", "iris", IRIS)
    assert (said.code, said.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert list(rows[0]) == ["species", "p.setosa", "p.versicolor", "p.virginica"]
    with IRIS.open() as file:
        truth = [row["species"] for row in csv.DictReader(file)]
    right = sum(row["species"] == word for row, word in zip(rows, truth, strict=True)) / len(rows)
    for row in rows:
        chances = {word: float(row[f"p.{word}"]) for word in ("setosa", "versicolor", "virginica")}
        assert abs(sum(chances.values()) - 1) < 1e-5
        assert row["species"] == max(chances, key=chances.__getitem__)
    written = call("predict", "iris", IRIS, "-o", "out.csv")
    assert written.out == ""
    shown = "`species`, `p.setosa`, `p.versicolor`, `p.virginica`"
    assert written.err == f"wrote out.csv: 150 rows of {shown}\n"
    assert Path("out.csv").read_text("utf-8") == said.out
    call("predict", "iris", IRIS, "-o", "out.TSV")
    assert Path("out.TSV").read_text("utf-8") == said.out.replace(",", "\t")
    figures = json.loads(call("evaluate", "iris", IRIS, "--json", "--batch", "7").out)
    assert figures["rows"] == len(rows)
    assert figures["metrics"]["accuracy"] == pytest.approx(right)
    table = call("evaluate", "iris", IRIS).out.splitlines()
    assert table[0] == f"150 rows of {IRIS}"
    assert table[-2].split() == ["loss", "accuracy"]


def test_columns_that_the_net_does_not_take_in(call: Call, tmp_path: Path) -> None:
    call("run", write(tmp_path), "--out", "run")
    Path("new.csv").write_text("id,a,b,y\n7,1,2,0\n8,3,4,1\n", "utf-8")
    plain = call("predict", "run", "new.csv")
    note = "note: `new.csv` has columns that the net was trained without, which are not used: `id`"
    assert plain.err == f"{note}; `--keep NAME` copies one to the answers\n"
    kept = call("predict", "run", "new.csv", "--keep", "id", "--keep", "y", "-o", "out.csv")
    assert (kept.code, kept.out, kept.err) == (0, "", "wrote out.csv: 2 rows of `id`, `y`, `p`\n")
    rows = list(csv.reader(io.StringIO(Path("out.csv").read_text("utf-8"))))
    assert [row[:2] for row in rows] == [["id", "y"], ["7", "0"], ["8", "1"]]
    assert [row[2] for row in rows] == plain.out.splitlines()
    assert call("evaluate", "run", "new.csv").err == f"{note}\n"
    wrong = call("predict", "run", "new.csv", "--keep", "di")
    assert (wrong.code, wrong.out) == (2, "")
    assert "`new.csv` has no column `di`" in wrong.err
    Path("twice.csv").write_text("p,a,b\n7,1,2\n", "utf-8")
    assert (
        "`p` cannot be kept: a column of the answers has this name"
        in call("predict", "run", "twice.csv", "--keep", "p").err
    )


def test_a_pipe_stays_a_pipe_and_a_link_a_link(call: Call, tmp_path: Path) -> None:
    call("run", write(tmp_path), "--out", "run")
    Path("new.csv").write_text("a,b\n1,2\n", "utf-8")
    told = call("predict", "run", "new.csv").out
    Path("real.csv").write_text("before", "utf-8")
    Path("link.csv").symlink_to("real.csv")
    assert call("predict", "run", "new.csv", "-o", "link.csv").code == 0
    assert Path("link.csv").is_symlink()
    assert Path("real.csv").read_text("utf-8") == told
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert call("predict", "run", "new.csv", "-o", "pipe").code == 0
        assert os.read(reader, 1 << 16).decode() == told
    finally:
        os.close(reader)
    assert Path("pipe").is_fifo()
    full = call("predict", "run", "new.csv", "-o", "/dev/full")
    assert (full.code, full.err) == (1, "error: cannot save `/dev/full`: no space left on device\n")
    assert not Path("/dev/full").is_file()


def test_predict_gives_numbers_their_names(call: Call, tmp_path: Path) -> None:
    call("run", write(tmp_path), "--out", "run")
    Path("new.csv").write_text("a,b\n1,2\n3,4\n", "utf-8")
    assert call("predict", "run", "new.csv").out.splitlines()[0] == "p"
    net = (tmp_path / "a.net").read_text("utf-8").replace("y: [1]", "y: [2]").replace("dense(1)", "dense(2)")
    call("run", write(tmp_path, net=net.replace('target = "y"', 'columns = [["a", "b"], ["y", "a"]]')), "--out", "two")
    assert call("predict", "two", "new.csv").out.splitlines()[0] == "p.1,p.2"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("predict", "nowhere", "new.csv"), 2, "`nowhere` is not a run: no such file or directory"),
        (("predict", "run", "nowhere.csv"), 2, "`nowhere.csv` does not exist"),
        (("predict", "run", "other.csv"), 2, "has no column `b`"),
        (("predict", "run", "new.csv", "-o", "new.csv"), 2, "is the table itself"),
        (
            ("predict", "run", "new.csv", "-o", "out.json"),
            2,
            "`out.json` is neither a .csv nor a .tsv file; in Python,",
        ),
        (("predict", "run", "new.csv", "-o", "no/such/place.csv"), 1, "cannot save `no/such/place.csv`"),
        (("predict", "run", "new.csv", "--batch", "0"), 2, "must be at least 1"),
        (("evaluate", "run", "new.csv"), 2, "has no column `y`"),
        (("predict", "run"), 2, "required: TABLE"),
    ],
)
def test_refusals(call: Call, tmp_path: Path, words: tuple[str, ...], code: int, message: str) -> None:
    call("run", write(tmp_path), "--out", "run")
    Path("new.csv").write_text("a,b\n1,2\n3,4\n", "utf-8")
    Path("other.csv").write_text("a,c\n1,2\n", "utf-8")
    said = call(*words)
    assert said.code == code
    assert message in said.err
    assert said.err.count("error") >= 1
    assert "Traceback" not in said.err
    assert Path("new.csv").read_text("utf-8") == "a,b\n1,2\n3,4\n"


def test_a_long_setting_does_not_widen_the_table(call: Call, tmp_path: Path) -> None:
    for name, rate in (("one", "0.1"), ("two", "0.2")):
        net = write(tmp_path, data=f", missing = {'drop' if name == 'one' else 'mean'}").read_text("utf-8")
        (tmp_path / "a.net").write_text(net.replace("lr = 0.1", f"lr = {rate}"), "utf-8")
        call("run", "a.net", "--out", name)
    lines = call("runs", "diff", "one", "two").out.splitlines()
    at = lines.index("data")
    assert lines[at + 1].startswith("- x, y = csv(")
    assert lines[at + 2].startswith("+ x, y = csv(")
    assert not any("csv(" in line for line in lines[at + 3 :])


@pytest.mark.parametrize("verb", ["run", "search"])
def test_an_empty_name_of_a_folder_is_not_the_folder_at_hand(call: Call, tmp_path: Path, verb: str) -> None:
    said = call(verb, write(tmp_path), "--out", "")
    assert (said.code, said.out) == (2, "")
    assert said.err.endswith("argument --out: the name of a folder is empty\n")
    assert files(tmp_path) == ["a.csv", "a.net"]
