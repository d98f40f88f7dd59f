"""`run --seeds`: its table, what is saved, how it goes on, what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import gpubp
from gpubp.cli import study
from gpubp.training import Fold, Replicate

from .worlds import NET, Call, write

SPLIT = "split = split(valid = 20%, test = 20%)\n"
WORDS = ("--device", "cpu", "--backend", "numpy")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows = "a,b,y\n" + "".join(f"{i / 40},{(i * 7 % 11) / 11},{i % 3}\n" for i in range(40))
    return write(tmp_path, net="param lr = 0.1\n" + NET.replace("0.1)", "lr)"), rows=rows, split=SPLIT)


def test_a_table_of_the_seeds(call: Call, file: Path) -> None:
    said = call("run", "a.net", "--seeds", "3", "--seed", "5", *WORDS, "--out", "s")
    assert (said.code, said.err) == (0, "")
    first, table, where = said.out.rstrip().split("\n\n")
    assert first.startswith("a.net: 13 parameters; rows: 24 train, 8 valid, 8 test; CPU (NumPy")
    assert first.endswith("seeds 5 to 7")
    head, *rows = [line.split() for line in table.splitlines()]
    assert head == ["seed", "valid.loss", "test.loss", "epochs", "seconds"]
    known = json.loads(Path("s/seeds.json").read_text())
    for seed, row in zip((5, 6, 7), rows[:3], strict=True):
        metrics = gpubp.load_run(f"s/seed-{seed}", "cpu").metrics
        alone = call("run", "a.net", "--seed", seed, *WORDS, "--json", "--no-save")
        assert metrics == json.loads(alone.out.splitlines()[-1])["metrics"]
        assert row[:-1] == [str(seed), *(f"{metrics[name]:.4g}" for name in head[1:3]), "3"]
    assert rows[3:] == [[name, *(f"{known[name][figure]:.4g}" for figure in head[1:3])] for name in ("mean", "std")]
    assert where.splitlines() == [
        "saved to s, a run for each seed",
        "`gpubp plot s` plots their curves, the mean and a band",
        "`gpubp predict s TABLE` predicts new rows, as an ensemble",
    ]


def test_a_warning_about_the_rows_is_printed_once(call: Call, file: Path) -> None:
    """Each seed divides the rows in another way."""
    rows = [f"{i % 5},{i % 3},{i % 2}" for i in range(90)]
    Path("a.csv").write_text("\n".join(["a,b,y", *rows, ""]), "utf-8")
    said = call("run", "a.net", "--seeds", "3", *WORDS, "--no-save")
    parts = re.findall(r"^warning\[W0402\]: \d+ rows of `(.*)` are in `train` too$", said.err, re.MULTILINE)
    assert sorted(parts) == ["test", "valid"]
    assert said.err.count("warning") == 2


def test_what_a_resume_may_change_is_printed_once(
    call: Call, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "study"
    assert call("run", file, "--seeds", "3", "--out", folder, "--epochs", "1").code == 0
    monkeypatch.setattr("gpubp.training.loop.changes_bytes", lambda *_: ["another machine"])
    resumed = call("run", "--resume", folder, "--seeds", "4")
    assert (resumed.code, resumed.err) == (0, "warning: another machine\n")


def test_what_others_make_of_the_folder(call: Call, file: Path) -> None:
    for rate in ("0.1", "0.2"):
        assert call("run", "a.net", "--seeds", "3", "--set", f"lr={rate}", *WORDS, "--out", rate, "--quiet").code == 0
    assert [line.split()[0] for line in call("runs").out.splitlines()[1:]] == [
        f"{rate}/seed-{k}" for rate in ("0.1", "0.2") for k in range(3)
    ]
    summary = json.loads(call("runs", "summary", "--json").out)
    means = [json.loads(Path(f"{rate}/seeds.json").read_text())["mean"]["test.loss"] for rate in ("0.1", "0.2")]
    assert [group["figures"]["test.loss"]["mean"] for group in summary] == pytest.approx(means)
    assert "lr=0.1, 3 seeds" in call("plot", "0.1", "0.2").out
    found = json.loads(call("runs", "diff", "0.1", "0.2", "--json").out)
    assert found["settings"]["params.lr"] == ["0.1", "0.2"]
    assert found["figures"]["test.loss"] == pytest.approx(means)
    assert call("predict", "0.1/seed-2", "a.csv", "--device", "cpu").code == 0
    wanted = "it holds those of several seeds: name one, such as `0.1/seed-0`"
    for verb in ("explain", "gradcheck", "graph", "report"):
        assert wanted in call(verb, "0.1").err


def test_ctrl_c_and_on(call: Call, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes on keeps the params of its file, and may go on to more seeds."""
    told, ended = False, study._Show.ended

    def end(show: study._Show, one: Fold | Replicate, run: gpubp.Run) -> None:
        nonlocal told
        ended(show, one, run)
        told = True

    def asked(interrupt: study.Interrupt) -> bool:
        interrupt.code = 130 if told else 0
        return told

    words = ("run", "a.net", "--seeds", "3", "--set", "lr=0.2", *WORDS)
    with monkeypatch.context() as patched:
        patched.setattr("gpubp.training.study._side_by_side", lambda *_: 1)
        patched.setattr(study._Show, "ended", end)
        patched.setattr(study.Interrupt, "__call__", asked)
        said = call(*words, "--out", "s", "--quiet")
        assert (said.code, said.err) == (130, "stopped after 1 of 3 seeds; `gpubp run --resume s` continues\n")
        told = False
        lost = call(*words, "--no-save", "--json")
        assert (lost.code, lost.err) == (130, "stopped after 1 of 3 seeds; nothing is saved\n")
        assert json.loads(lost.out.splitlines()[-1])["stopped"] == "interrupted"
    assert call("run", "--resume", "s", "--quiet").code == 0
    said = call("run", "--resume", "s", "--seeds", "4", "--json")
    results = json.loads(said.out.splitlines()[-1])
    whole = json.loads(call(*words, "--seeds", "4", "--no-save", "--json").out.splitlines()[-1])
    assert (results["of"], results["mean"], results["std"]) == (4, whole["mean"], whole["std"])
    assert len(json.loads(call("runs", "summary", "s", "--json").out)[0]["runs"]) == 4
    assert {json.loads(path.read_text())["params"]["lr"] for path in Path().glob("s/*/env.json")} == {"0.2"}
    again = call("run", "--resume", "s", "--device", "cpu").out.splitlines()[0]
    assert again.endswith("seeds 0 to 3")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("a.net --seeds 0", "must be at least 1, not 0"),
        ("a.net --seeds 3 --folds 2", "`--seeds` and `--folds` are two studies"),
        ("a.net --seeds 3 --profile", "`--profile` looks at one training: leave `--seeds` out"),
        ("--seeds 3", "`--seeds` needs the .net file, or the folder of several seeds"),
        ("--resume s --no-save", "`--no-save` cannot be given: a replication continues in its own folder"),
        ("--resume s --out t", "`--out` cannot be given"),
        ("--resume s --set lr=1", "`--set` needs the .net file"),
        ("--resume s --seed 4", "`s` begins with seed 0 and cannot continue with 4"),
        ("a.net --resume s", "`s` holds several seeds: leave FILE out, or say `--seeds` too"),
        ("a.net --resume none --seeds 3", "`none` contains no runs of several seeds to continue"),
        ("a.csv --seeds 3", "is a table, not a `.net` file"),
        ("c.net --seeds 3", "cannot read `c.net`"),
    ],
)
def test_what_is_refused(call: Call, file: Path, words: str, message: str) -> None:
    if "--resume s" in words:
        assert call("run", "a.net", "--seeds", "2", "--epochs", "1", "--out", "s", *WORDS).code == 0
    said = call("run", *words.split(), "--device", "cpu")
    assert (said.code, said.out) == (2, "")
    assert message in said.err
    assert "Traceback" not in said.err


def test_killed_before_its_first_checkpoint(call: Call, file: Path) -> None:
    Path("s").mkdir()
    Path("s/seeds.json").write_text('{"first": 0, "of": 2}')
    said = call("run", "--resume", "s")
    assert (said.code, said.out) == (2, "")
    assert "`s` has no checkpoint: it ended before the first was saved; run it again" in said.err
    assert call("run", "a.net", "--seeds", "2", "--out", "s", *WORDS, "--quiet").code == 0
    said = call("run", "a.net", "--folds", "2", "--out", "s", *WORDS)
    assert (said.code, said.out) == (2, "")
    assert "`s` already contains runs of several seeds: resume them" in said.err
    Path("t").mkdir()
    Path("t/seeds.json").write_text('{"first": 0, "of": 2}')
    assert call("run", "a.net", "--seeds", "2", "--resume", "t", *WORDS, "--quiet").code == 0
