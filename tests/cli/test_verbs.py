"""What `run`, `check` and `ir` print when all is well."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gpubp
from gpubp.cli import main
from gpubp.frontend import load
from gpubp.training import read

from .worlds import MODELS, ROOT, Call, process, write


def test_a_truth_table_has_the_names_of_the_labels(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.net").write_text(
        "data {\n  x = [[1], [2]]\n  k = [1, 0]\n  y = [red, blue]\n}\n"
        "model {\n  input x: [1]\n  input k: class(2)\n  target y: class(2)\n"
        "  output p = concat(x, one_hot(k)) -> dense(2) -> softmax\n}\n"
        "train {\n  loss = cross_entropy(p, y)\n  optimizer = adam\n  epochs = 1\n}\n",
        "utf-8",
    )
    said = call("run", tmp_path / "a.net", "--no-save", "--quiet", "--device", "cpu").out.splitlines()
    assert [line.split()[:3] for line in said[-3:]] == [["x", "k", "y"], ["1", "1", "red"], ["2", "0", "blue"]]


def test_run_solves_xor_and_prints_a_truth_table() -> None:
    said = process("run", MODELS / "xor.net", "--device", "cpu", "--no-save", NO_COLOR="1")
    assert said.code == 0, said.err
    assert said.err == ""
    assert "33 parameters; rows: 4 train; CPU (NumPy" in said.out
    assert "epoch 500/500  train.loss 0.0" in said.out
    table = [line.split() for line in said.out.strip().splitlines()[-4:]]
    assert [row[:3] for row in table] == [["0", "0", "0"], ["0", "1", "1"], ["1", "0", "1"], ["1", "1", "0"]]
    assert all(abs(float(row[3]) - float(row[2])) < 0.1 for row in table)
    assert "\x1b" not in said.out


def test_run_prints_about_ten_lines_whatever_the_number_of_epochs(call: Call, tmp_path: Path) -> None:
    for epochs in (1, 3, 9, 10, 11, 19, 25, 100, 101):
        said = call("run", write(tmp_path), "--epochs", str(epochs))
        lines = [line for line in said.out.splitlines() if line.startswith("epoch")]
        assert min(epochs, 7) <= len(lines) <= 12
        assert lines[-1].startswith(f"epoch {epochs}/{epochs} ")


def test_run_shows_validation_and_the_figures_of_each_part(call: Call) -> None:
    said = call("run", MODELS / "digits.net", "--epochs", "2", "--device", "cpu", "--no-save")
    assert said.code == 0
    assert "rows: 1,438 train, 180 valid, 179 test" in said.out
    assert "valid.accuracy" in said.out
    last = [line.split() for line in said.out.strip().splitlines()[-4:]]
    assert last[0] == ["loss", "accuracy"]
    assert [row[0] for row in last[1:]] == ["train", "valid", "test"]


def test_set_changes_a_param(call: Call) -> None:
    said = call("check", MODELS / "digits.net", "--set", "hidden=64", "--set", "lr = 0.01")
    assert said.code == 0
    (total,) = (line.split() for line in said.out.splitlines() if line.startswith("total"))
    assert total[1] == f"{64 * 64 + 64 + 64 * 10 + 10:,}"
    spiral = call("run", MODELS / "spiral.net", "--set", "depth=0", "--epochs", "1", "--device", "cpu")
    assert "3 parameters" in spiral.out
    kinds = call("check", MODELS / "iris.net", "--set", "kinds=3")
    assert "p.softmax      softmax      [3]" in kinds.out, "a size that the data gives is a param, too"
    assert "E0419" in call("check", MODELS / "iris.net", "--set", "kinds=4").err, "and the data still has the last word"


def test_check_prints_the_layers(call: Call) -> None:
    said = call("check", MODELS / "xor.net")
    assert (said.code, said.err) == (0, "")
    lines = [line.split() for line in said.out.splitlines()]
    assert lines[0] == ["value", "function", "shape", "parameters", "FLOP", "a", "row"]
    assert ["hidden.dense", "dense", "[8]", "24", "80"] in lines
    assert lines[-4][:2] == ["total", "33"]
    counts = [int(line[-1]) for line in lines[2:-4] if line[-1].isdigit()]
    assert sum(counts) == int(lines[-4][-1]), "the counts add up, that of the loss included"
    assert [line[0] for line in lines if line].count("x") == 1
    assert "a training step of 4 rows: 47 equations in 19 kernels" in said.out
    assert "memory, float32: " in said.out


def test_check_shows_the_plan_of_a_large_net_when_asked(call: Call, tmp_path: Path) -> None:
    net = (MODELS / "xor.net").read_text("utf-8").replace("-> tanh", "-> tanh -> repeat 200 { dense(2) -> tanh }")
    path = tmp_path / "deep.net"
    path.write_text(net, "utf-8")
    said = call("check", path)
    assert said.code == 0
    assert "--plan shows it" in said.out
    assert "a training step of 4 rows" not in said.out
    assert "a training step of 4 rows" in call("check", path, "--plan").out


def test_check_of_a_net_that_only_predicts(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    path.write_text("model { input x: [3]\n output p = x -> dense(2) }", "utf-8")
    assert "a prediction of 32 rows: 2 equations in 2 kernels" in call("check", path).out


def test_ir_shows_every_stage(call: Call) -> None:
    path = MODELS / "xor.net"
    shown = {s: call("ir", path, "--stage", s).out for s in ("program", "optimised", "plan", "source")}
    assert shown["program"].startswith("program(")
    assert len(shown["optimised"].splitlines()) < len(shown["program"].splitlines())
    assert "  kernel, row by row of [4,8]:\n" in shown["plan"]
    assert "def bind_train(" in shown["source"]


def test_ir_tells_the_way_back_from_the_way_there(call: Call) -> None:
    text = call("ir", MODELS / "worked_example.net").out
    told = [line.strip("# ").partition(":")[0] for line in text.splitlines() if line.startswith("        # ")]
    there = ["hidden.dense", "hidden.sigmoid", "p.dense", "p.sigmoid"]
    assert told[: len(there)] == there
    back = told[told.index("train.loss.half_squared_error") + 1 :]
    assert back[: len(there)] == [f"back through {name}" for name in reversed(there)]
    loops = call("ir", MODELS / "worked_example.net", "--stage", "c").out
    assert "/* back through hidden.sigmoid" in loops
    profile = call("run", MODELS / "xor.net", "--epochs", "1", "--profile", "--no-save", "--device", "cpu").out
    assert "back through" not in profile, "what a layer costs is told of both ways together"


def test_seed_epochs_and_precision(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path)
    words = ["--seed", "7", "--epochs", "2", "--precision", "float64", "--device", "cpu", "--json"]
    said = call("run", path, *words, "--out", tmp_path / "out")
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["epoch"] for line in lines[:-1]] == [1, 2]
    assert set(lines[-1]) == {"metrics", "health", "seconds", "folder"}
    run = gpubp.train(load(path), "cpu", seed=7, epochs=2, precision="float64")
    assert lines[-1]["metrics"] == run.metrics
    assert lines[1]["train.loss"] == run.history[1]["train.loss"]
    saved = read(tmp_path / "out").state
    assert {name: a.tobytes() for name, a in saved.items()} == {
        name: a.tobytes() for name, a in run.executor.state_dict().items()
    }


@pytest.mark.parametrize(("rows", "shown"), [(16, True), (17, False)])
def test_small_data_sets_are_shown_whole(call: Call, tmp_path: Path, rows: int, shown: bool) -> None:
    text = "a,b,y\n" + "".join(f"{i},{i % 5},{i % 3}\n" for i in range(rows))
    said = call("run", write(tmp_path, rows=text), "--epochs", "1", "--no-save", "--quiet")
    assert (re.search("^ +x  y +p$", said.out, re.M) is not None) == shown


def test_json_is_one_object_per_line_and_nothing_else(call: Call, tmp_path: Path) -> None:
    said = call("run", write(tmp_path), "--json")
    assert said.err == ""
    assert ["epoch" in json.loads(line) for line in said.out.splitlines()] == [True] * 3 + [False]


def test_out_and_resume(call: Call, tmp_path: Path) -> None:
    path, out = write(tmp_path), tmp_path / "out"
    whole = call("run", path, "--json")
    first = call("run", path, "--epochs", "2", "--out", out)
    assert f"\nsaved to {out}\n" in first.out
    rest = call("run", path, "--json", "--resume", out)
    assert [json.loads(line)["epoch"] for line in rest.out.splitlines()[:-1]] == [3]
    assert json.loads(rest.out.splitlines()[-1])["metrics"] == json.loads(whole.out.splitlines()[-1])["metrics"]
    done = call("run", path, "--resume", out, "--epochs", "2")
    assert done.code == 0
    assert "nothing left to do" in done.out


def test_ir_prints_a_program_that_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    said = process("ir", MODELS / "xor.net")
    assert said.code == 0
    (tmp_path / "xor.py").write_text(said.out, "utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "xor.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    losses = [float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("data ")]
    data = {"x": [[0, 0], [0, 1], [1, 0], [1, 1]], "y": [[0], [1], [1], [0]]}
    ex = gpubp.Executor(load(MODELS / "xor.net"), "cpu")
    assert losses == pytest.approx([ex.train_step(data) for _ in range(3)], rel=1e-6), "the rows of the file itself"


@pytest.mark.parametrize(("batch", "rows"), [((), 4), (("--batch", "2"), 2), (("--batch", "8"), 8)])
def test_ir_takes_the_batch_that_is_asked_for(call: Call, batch: tuple[str, ...], rows: int) -> None:
    assert f"batch of {rows}," in call("ir", MODELS / "xor.net", *batch).out


def test_ir_of_the_equations(call: Call) -> None:
    said = call("ir", MODELS / "xor.net", "--stage", "program", "--mode", "predict")
    assert said.code == 0
    assert "matmul" in said.out
    assert "tanh" in said.out


def test_warnings_go_to_standard_error(call: Call, tmp_path: Path) -> None:
    net = """data { x = [[1]]
  y = [[1]] }
model { input x: [1]
  target y: [1]
  output p = x -> dense(1) }
train { loss = binary_cross_entropy(p, y)
  optimizer = sgd(lr = 0.1)
  epochs = 1 }
"""
    said = call("check", write(tmp_path, net=net))
    assert said.code == 0
    assert "warning[W0501]" in said.err
    assert "warning" not in said.out


def test_version_and_help(call: Call) -> None:
    assert call("--version").out.strip() == f"gpubp {gpubp.__version__}"
    said = call("--help")
    assert said.code == 0
    for verb in ("run", "check", "ir"):
        assert verb in said.out
        of_verb = call(verb, "--help")
        assert of_verb.code == 0
        assert "FILE" in of_verb.out


def test_help_imports_neither_numpy_nor_the_grammar() -> None:
    code = "import sys; from gpubp.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print('LOADED', *{n.partition('.')[0] for n in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = done.stdout.splitlines()[-1].split()
    assert loaded[0] == "LOADED"
    assert not {"numpy", "lark", "cupy"} & set(loaded)


def test_a_reader_that_has_gone_is_no_error() -> None:
    command = f"{sys.executable} -m gpubp ir {MODELS / 'digits.net'} | head -1"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith('"""')


def test_two_processes_with_one_seed_save_the_same_bytes(tmp_path: Path) -> None:
    for number in ("1", "2"):
        words = ("--device", "cpu", "--epochs", "2", "--out", tmp_path / number)
        assert process("run", MODELS / "digits.net", *words, PYTHONHASHSEED=number).code == 0
    first, second = ({f.name: f.read_bytes() for f in (tmp_path / number).iterdir()} for number in ("1", "2"))
    assert first.keys() == second.keys() > {"last.safetensors", "best.safetensors", "metrics.jsonl", "resolved.net"}
    assert {name for name in first if first[name] != second[name]} <= {"env.json"}, "which says when it was"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [("x = [[0, 0], [0, 1, 2], [1, 0], [1, 1]]", "E0417"), ("x = []", "E0414"), ('x = csv("nowhere.csv")', "E04")],
)
def test_check_looks_at_the_data(tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: str, code: str) -> None:
    file = tmp_path / "wrong.net"
    file.write_text((MODELS / "xor.net").read_text().replace("x = [[0, 0], [0, 1], [1, 0], [1, 1]]", wrong))
    assert main(["check", str(file)]) == 2
    assert code in capsys.readouterr().err


def test_what_is_wrong_with_a_net_is_said_once_at_the_end(call: Call, tmp_path: Path) -> None:
    words = ["run", MODELS / "deep_sigmoid.net", "--epochs", "20", "--device", "cpu", "--no-save"]
    said = call(*words)
    assert said.code == 0
    assert said.err.count("warning:") == 1
    assert said.err.startswith("\nwarning: the gradient vanishes: the delta of layer 1, `p.dense`, is ")
    assert "\n  help: `-> dense(width, init = he_normal) -> relu`\n" in said.err
    assert "vanishes" not in said.out
    assert call(*words, "--quiet").err == ""
    said = call(*words, "--json")
    assert said.err == ""
    (finding,) = json.loads(said.out.splitlines()[-1])["health"]
    assert finding["kind"] == "vanishing"
    assert finding["help"][0] == "`-> dense(width, init = he_normal) -> relu`"


def test_an_exploding_gradient_is_said_before_the_error(call: Call, tmp_path: Path) -> None:
    text = (
        (MODELS / "deep_sigmoid.net")
        .read_text("utf-8")
        .replace("dense(width) -> sigmoid", "dense(width, init = normal(9)) -> relu")
    )
    path = tmp_path / "a.net"
    path.write_text(text.replace("data/", f"{MODELS}/data/").replace("adam(lr = 0.01)", "sgd(lr = 1e9)"), "utf-8")
    said = call("run", path, "--device", "cpu", "--no-save")
    assert said.code == 1
    assert said.err.index("warning: the gradient explodes") < said.err.index("error")
    assert "  help: `clip = clip_norm(1.0)`\n" in said.err
