"""A user's mistake gives one clear message on standard error, exit code 2, and leaves nothing behind."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

import gpubp

from .worlds import MODELS, NET, ROWS, Call, Said, files, process, write


def refused(said: Said, *words: str, errors: int = 1) -> None:
    assert said.code == 2, said
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.errors == errors, said.err
    for word in words:
        assert word in said.err


def run(call: Call, path: Path, *words: str) -> Said:
    """Run with `--out`, and see that nothing was written."""
    before = files(path.parent) if path.parent.is_dir() else None
    said = call("run", path, "--device", "cpu", "--out", path.parent / "out", *words)
    assert before is None or files(path.parent) == before
    return said


# The file


@pytest.mark.parametrize("verb", ["run", "check", "ir"])
def test_no_file(call: Call, tmp_path: Path, verb: str) -> None:
    refused(call(verb, tmp_path / "nowhere.net"), "error[E0401]", "nowhere.net", "no such file")


@pytest.mark.parametrize("verb", ["run", "check", "ir"])
def test_a_directory(call: Call, tmp_path: Path, verb: str) -> None:
    refused(call(verb, tmp_path), "error[E0401]", "is a directory")


def test_the_error_in_python_says_what_the_command_line_prints(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path, net=NET.replace("tanh", "tahn").replace("sgd(", "sdg("))
    with pytest.raises(gpubp.NetError) as caught:
        gpubp.load(path)
    said = call("check", path)
    assert said.err == f"{caught.value}\n"
    assert said.err.count("help: did you mean") == 2


def test_a_path_with_backslashes_is_one_mistake(call: Call, tmp_path: Path) -> None:
    net = NET.replace("a.csv", "sub\\kunden.csv").replace("x: [2]", "x: [?]").replace("y: [1]", "y: [?]")
    refused(call("check", write(tmp_path, net=net)), "unknown escape", 'help: paths use `/`: `"sub/kunden.csv"`')


def test_binary_bytes(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.net").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff\xfe")
    refused(run(call, tmp_path / "a.net"), "error[E0101]", "is not text", "byte 0")
    (tmp_path / "a.net").write_bytes(b"model\0{\x01\x02}\n" * 3)
    said = run(call, tmp_path / "a.net")
    refused(said, "error[E0104]: the character U+0000 has no meaning here", errors=said.errors)
    assert not {"\0", "\x01", "\x02"} & set(said.err)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "\ufeff"])
def test_an_empty_file(call: Call, tmp_path: Path, text: str) -> None:
    refused(run(call, write(tmp_path, net=text)), "error[E0101]", "empty")


@pytest.mark.parametrize("gone", ["data", "model", "train"])
def test_a_section_missing(call: Call, tmp_path: Path, gone: str) -> None:
    path = write(tmp_path)
    text = path.read_text("utf-8")
    start = text.index(f"{gone} {{")
    path.write_text(text[:start] + text[text.index("\n}", start) + 2 :], "utf-8")
    said = run(call, path)
    assert (said.code, said.out) == (2, "")
    assert f"`{gone}`" in said.err
    assert "Traceback" not in said.err


def test_a_file_that_only_predicts(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path, net="model { input x: [2]\n output p = x -> dense(1) }")
    assert call("check", path).code == 0
    refused(run(call, path), "has no `train` section")
    refused(call("ir", path, "--mode", "train"), "no `train` section")
    said = call("ir", path, "--batch", "2")
    assert (said.code, said.out) == (0, call("ir", path, "--mode", "predict", "--batch", "2").out)


def test_what_check_says_of_a_training(call: Call, tmp_path: Path) -> None:
    """What `run` needs besides, and the memory of all restarts."""
    path = write(tmp_path, net=NET.replace("epochs    = 3", "restarts  = 4"))
    said = call("check", path)
    assert said.code == 0
    assert "; 4 restarts take " in said.out
    assert "\n\n`gpubp run` needs more: `train` has neither `epochs` nor `steps`; `epochs = 100` " in said.out
    told = call("check", path, "--json")
    needed = json.loads(told.out)["run_needs"]
    assert (told.code, [one["message"] for one in needed]) == (0, ["`train` has neither `epochs` nor `steps`"])
    assert json.loads(call("check", write(tmp_path), "--json").out)["run_needs"] == []


def test_several_errors_at_once(call: Call, tmp_path: Path) -> None:
    net = NET.replace("dense(3)", "dens(3)").replace("sgd(lr = 0.1)", "sgd(rate = 0.1)")
    said = run(call, write(tmp_path, net=net))
    refused(said, "did you mean `dense`?", "`sgd` has no argument `rate`", "a.net:9:", "a.net:14:", errors=said.errors)
    assert said.errors >= 2


def test_shapes_that_do_not_fit(call: Call, tmp_path: Path) -> None:
    refused(run(call, write(tmp_path, net=NET.replace("dense(1)", "dense(2)"))), "error[E0301]", "[2] and [1]")


# The data


def test_no_data_file(call: Call, tmp_path: Path) -> None:
    refused(run(call, write(tmp_path, rows=None)), "error[E0412]", "`a.csv` does not exist", "a.net:3:14")


def test_a_missing_column(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path, rows=ROWS.replace("a,b,y", "a,b,why"))
    refused(run(call, path), "error[E0415]", "`a.csv` has no column `y`", "a.net:3:")


@pytest.mark.parametrize("cell", ["seven", "nan", "inf", "", "1e999", "1,5"])
def test_a_cell_that_is_no_number(call: Call, tmp_path: Path, cell: str) -> None:
    path = write(tmp_path, rows=ROWS.replace("\n3,0.9,0\n", f'\n3,"{cell}",0\n'))
    refused(run(call, path), "error[E041", "a.csv", "line 5", "`b`")


def test_a_row_of_the_wrong_width(call: Call, tmp_path: Path) -> None:
    refused(run(call, write(tmp_path, rows=ROWS.replace("3,0.9,0", "3,0.9"))), "error[E0417]", "line 5")
    refused(run(call, write(tmp_path, rows=ROWS.replace("3,0.9,0", "3,0.9,0,1"))), "error[E0417]", "line 5")


def test_columns_that_do_not_fit_the_model(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path, net=NET.replace("x: [2]", "x: [3]"))
    refused(run(call, path), "error[E0418]", "`x` has shape [2] in the data, its type is [3]")


@pytest.mark.parametrize("rows", ["", "a,b,y\n", "\n\n\n"])
def test_no_rows(call: Call, tmp_path: Path, rows: str) -> None:
    refused(run(call, write(tmp_path, rows=rows)), "error[E04", "`a.csv`")


def test_binary_data(call: Call, tmp_path: Path) -> None:
    refused(run(call, write(tmp_path, rows=b"\x89PNG\x00\x01\x02\xff" * 10)), "error[E0413]", "`a.csv`")
    refused(run(call, write(tmp_path, rows=b"\x1f\x8b\x08\x00broken")), "error[E0413]", "`a.csv`")


def test_an_empty_part_of_a_split(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path, split="  split = split(train = 99%, test = 1%)\n")
    refused(run(call, path), "error[E0421]", "the part `test` is empty")


def test_a_label_too_many(call: Call, tmp_path: Path) -> None:
    net = (
        NET.replace("y: [1]", "y: class(2)").replace("dense(1)", "dense(2) -> softmax").replace("mse", "cross_entropy")
    )
    refused(run(call, write(tmp_path, net=net)), "error[E0419]", "label `2`", "line 4")


# Params, options, devices


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("hiden=3", "hiden"),
        ("hidden", "`hidden` is not NAME=VALUE"),
        ("=3", "`=3` is not NAME=VALUE"),
        ("hidden=", "`hidden=` is not NAME=VALUE"),
        ("hidden=many", "many"),
        ("hidden=0", "0"),
        ("hidden=1.5", "1.5"),
        ("hidden=)", ")"),
        ("hidden=32 64", "64"),
    ],
)
def test_a_bad_set(call: Call, word: str, message: str) -> None:
    refused(call("run", MODELS / "digits.net", "--set", word), message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--epochs", "0"), "must be at least 1, not 0"),
        (("--epochs", "many"), "`many` is not a whole number"),
        (("--seed", "-1"), "must be at least 0, not -1"),
        (("--seed", "99999999999999999999"), "the seed is 99999999999999999999"),
        (("--precision", "float16"), "float16"),
        (("--device", "tpu"), "there is no device `tpu`"),
        (("--resume", "nowhere"), "cannot read `nowhere`"),
        (("--wrong",), "--wrong"),
    ],
)
def test_a_bad_option(call: Call, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    path = write(tmp_path)
    refused(call("run", path, *words), message)
    assert files(tmp_path) == ["a.csv", "a.net"]


def test_a_place_that_cannot_be_written(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path)
    refused(call("run", path, "--out", path), "cannot save to", "is not a directory")


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("run", "--resume", "a", "--set", "b=1"),
        ("check",),
        ("ir",),
        ("run", "a.net", "b.net"),
    ],
)
def test_a_bad_call(call: Call, words: tuple[str, ...]) -> None:
    said = call(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("usage: gpubp")
    assert said.err.count("error:") == 1


@pytest.mark.skipif(importlib.util.find_spec("cupy") is not None, reason="there may be a GPU here")
@pytest.mark.parametrize("device", ["gpu", "gpu:1"])
def test_no_gpu(call: Call, device: str) -> None:
    said = call("run", MODELS / "xor.net", "--device", device)
    refused(said, "CuPy is not installed")
    assert len(said.err.splitlines()) == 1


def test_divergence_is_a_failure_of_the_work(call: Call, tmp_path: Path) -> None:
    net = NET.replace("lr = 0.1", "lr = 1e9").replace("epochs    = 3", "epochs = 50")
    said = call("run", write(tmp_path, net=net), "--device", "cpu", "--out", tmp_path / "out")
    assert said.code == 1
    assert said.errors == 1
    assert "at step" in said.err
    assert files(tmp_path) == ["a.csv", "a.net"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "nowhere.net"], 2, "error[E0401]: cannot read `nowhere.net`: no such file or directory\n"),
        (["run"], 2, "error: FILE is missing: name a .net file, or a run with `--resume`"),
        (["run", "models/xor.net", "--device", "tpu"], 2, "error: there is no device `tpu`"),
    ],
)
def test_in_a_process_of_its_own(arguments: list[str], code: int, message: str) -> None:
    said = process(*arguments)
    assert (said.code, said.out) == (code, "")
    assert message in said.err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("xor.net", "nets/xor.net"),
        ("nets/xro.net", "nets/xor.net"),
        ("nest/xor.net", "nets/xor.net"),
        ("nets/xor", "nets/xor.net"),
        ("spirals", "spirals.net"),
        ("unlike.net", None),
        ("no/such/own.net", None),
    ],
)
def test_a_file_that_is_not_there_and_the_one_that_was_meant(
    call: Call, tmp_path: Path, typed: str, meant: str | None
) -> None:
    (tmp_path / "nets").mkdir()
    for name in ("nets/xor.net", "nets/spiral.net", "spirals.net"):
        (tmp_path / name).write_text("", "utf-8")
    said = call("check", typed)
    assert said.code == 2
    told = "" if meant is None else f"help: did you mean `{meant}`?\n"
    assert said.err == f"error[E0401]: cannot read `{typed}`: no such file or directory\n{told}"
