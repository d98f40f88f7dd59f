"""Ctrl-C and SIGTERM: the first finishes the step, saves and ends, by the signal or with 143; the second ends at once.
What was saved is whole."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import gpubp
from gpubp.training import BEST, LAST, read

from ..training.worlds import write_net

pytestmark = pytest.mark.usefixtures("signals_are_heard")

LONG = "epochs = 100000"


def begin(net: Path, *words: str) -> subprocess.Popen[str]:
    """A training in a process of its own, which has reached its first epochs."""
    return begin_in(net.parent, str(net), "--device", "cpu", *words)


def begin_in(folder: Path, *words: str) -> subprocess.Popen[str]:
    """The same with all of the command's words."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gpubp", "run", "--json", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for _ in range(3):
        process.stdout.readline()
    return process


def test_the_first_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    net = write_net(tmp_path, length=LONG)
    process = begin(net, "--out", "run")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT, err
    told = json.loads(out.splitlines()[-1])
    assert (told["stopped"], told["metrics"], told["folder"]) == ("interrupted", {}, "run")
    step = int(read(tmp_path / "run" / LAST).about["step"])
    first, last = err.strip().splitlines()
    assert first == "finishing the step and saving; Ctrl-C again ends at once"
    assert last == f"stopped at step {step:,} of 500,000; `gpubp run --resume run` continues from there"
    more = step // 5 + 5
    rest = gpubp.train(gpubp.load(net), "cpu", resume=tmp_path / "run", epochs=more)
    whole = gpubp.train(gpubp.load(net), "cpu", epochs=more)
    for name, value in rest.executor.state_dict().items():
        assert value.tobytes() == whole.executor.state_dict()[name].tobytes()


def test_a_run_goes_on_under_the_options_that_it_began_with(tmp_path: Path) -> None:
    options = ("--epochs", "100000", "--seed", "3", "--precision", "float64", "--backend", "numpy")
    process = begin(write_net(tmp_path), "--out", "my run", *options)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT, err
    assert err.strip().endswith("of 500,000; `gpubp run --resume 'my run'` continues from there")
    again = begin_in(tmp_path, "--resume", "my run")
    again.send_signal(signal.SIGTERM)
    _, err = again.communicate(timeout=60)
    assert again.returncode == 143, err
    assert err.startswith("\nfinishing the step and saving; SIGTERM again ends at once\n")
    assert "warning" not in err, "the kernels are the same, too"
    assert err.strip().endswith("of 500,000; `gpubp run --resume 'my run'` continues from there")
    about = read(tmp_path / "my run" / LAST).about
    assert (about["seed"], about["precision"]) == (3, "float64")


def test_a_reader_that_has_gone_ends_the_training_and_loses_nothing(tmp_path: Path) -> None:
    process = begin(write_net(tmp_path, length=LONG), "--out", "run")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == -signal.SIGINT, err
    step = int(read(tmp_path / "run" / LAST).about["step"])
    assert err == f"stopped at step {step:,} of 500,000; `gpubp run --resume run` continues from there\n"


def test_ctrl_c_that_also_ends_the_reader_of_all_messages_loses_nothing(tmp_path: Path) -> None:
    """`gpubp run a.net 2>&1 | tee log`: the terminal sends Ctrl-C to both."""
    words = ["run", str(write_net(tmp_path, length=LONG)), "--device", "cpu", "--out", "run"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gpubp", *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    assert any(line.startswith(b"epoch") for line in process.stdout), "the first epoch is done"
    process.stdout.close()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == -signal.SIGINT
    assert int(read(tmp_path / "run" / LAST).about["step"]) > 0


@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU"])
def test_a_warning_ends_the_training_and_loses_nothing(tmp_path: Path, name: str) -> None:
    """It may come more than once: of a terminal that is closed both the system and the shell say so."""
    process = begin(write_net(tmp_path, length=LONG), "--out", "run")
    number = signal.Signals[name]
    process.send_signal(number)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    step = int(read(tmp_path / "run" / LAST).about["step"])
    assert err.splitlines() == [
        "",
        f"{name}: finishing the step and saving",
        f"stopped at step {step:,} of 500,000; `gpubp run --resume run` continues from there",
    ]


def test_nothing_is_saved_where_nothing_is_to_be(tmp_path: Path) -> None:
    process = begin(write_net(tmp_path, length=LONG), "--no-save")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert err.rstrip().endswith("of 500,000; nothing is saved")
    assert {file.name for file in tmp_path.iterdir()} == {"a.net", "a.csv"}


SLOW = """
import sys, time
import gpubp.executor.checkpoint as checkpoint
from gpubp.cli import main
real = checkpoint.os.fsync
def slowly(number):
    print("saving", flush=True)
    time.sleep(600)
    real(number)
if sys.argv[1] == "slow":
    checkpoint.os.fsync = slowly
sys.exit(main(sys.argv[2:]))
"""


def test_the_second_ends_at_once_and_loses_nothing(tmp_path: Path) -> None:
    """The second one comes in the middle of a save that takes very long."""
    net = write_net(tmp_path, length=LONG)
    gpubp.train(gpubp.load(net), "cpu", out=tmp_path / "run", epochs=2)
    before = {name: (tmp_path / "run" / name).read_bytes() for name in (LAST, BEST)}
    words = ["slow", "run", str(net), "--device", "cpu", "--quiet", "--resume", str(tmp_path / "run")]
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # as many as in this process, or it warns
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "saving\n"
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline() == "\n"
    assert "finishing the step" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT, "it did not wait for the save"
    for name, content in before.items():
        assert (tmp_path / "run" / name).read_bytes() == content
    assert gpubp.train(gpubp.load(net), "cpu", resume=tmp_path / "run", epochs=3).executor.step == 15


@pytest.mark.parametrize(("name", "ended"), [("SIGINT", (130, "stopped\n")), ("SIGTERM", (143, ""))])
def test_before_the_first_step_there_is_nothing_to_finish(tmp_path: Path, name: str, ended: tuple[int, str]) -> None:
    code = "import os, signal, sys; import gpubp.cli.run as r; from gpubp.cli import main\n"
    code += f"r.train = lambda *a, **k: os.kill(os.getpid(), signal.{name})\nsys.exit(main(['run', 'a.net']))"
    write_net(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == ended


EARLY = """
import atexit, os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN if sys.argv[1] == "ignored" else signal.default_int_handler)
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            os.kill(os.getpid(), signal.SIGINT)
wanted = sys.argv[2]
sys.meta_path.insert(0, Finder())
if wanted == "the end":
    atexit.register(os.kill, os.getpid(), signal.SIGINT)
sys.argv = ["gpubp", "check", "a.net"]
runpy.run_module("gpubp", run_name="__main__", alter_sys=True)
"""


def interrupted(folder: Path, how: str, where: str) -> subprocess.CompletedProcess[str]:
    """`gpubp check a.net`, to which Ctrl-C comes just when a module is looked for."""
    write_net(folder)
    return subprocess.run(
        [sys.executable, "-c", EARLY, how, where], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "module",
    ["gpubp.cli", "argparse", "gpubp.cli.check", "numpy", "numpy._core._multiarray_umath", "lark.lexer", "the end"],
)
def test_there_is_no_traceback_while_modules_are_read(tmp_path: Path, module: str) -> None:
    """Within an import KeyboardInterrupt would come out as a traceback, or as a module that cannot be imported."""
    done = interrupted(tmp_path, "heard", module)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "stopped\n")
    assert ("memory" in done.stdout) == (module == "the end")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_a_loop_of_a_shell_ends_with_the_command_in_it(tmp_path: Path) -> None:
    net = write_net(tmp_path, length=LONG)
    loop = f"for i in 1 2; do {sys.executable} -m gpubp run {net} --device cpu --json --out $i; done; echo the next"
    shell = subprocess.Popen(
        ["bash", "-c", loop], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    )
    assert shell.stdout is not None
    shell.stdout.readline()
    os.killpg(shell.pid, signal.SIGINT)  # what a terminal does
    out, err = shell.communicate(timeout=60)
    assert shell.returncode == -signal.SIGINT, err
    assert "the next" not in out
    assert {file.name for file in tmp_path.iterdir()} == {"a.net", "a.csv", "1"}


def test_whoever_is_to_ignore_it_does_so(tmp_path: Path) -> None:
    done = interrupted(tmp_path, "ignored", "gpubp.cli.check")
    assert (done.returncode, done.stderr) == (0, "")


def terminal(net: Path, *words: str) -> str:
    """What a training writes to a terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "gpubp", "run", str(net), "--device", "cpu", "--no-save", *words],
        cwd=net.parent,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "COLUMNS": "70"},
    )
    os.close(follower)
    seen = b""
    while True:
        if not select.select([leader], [], [], 60)[0]:
            break
        try:
            piece = os.read(leader, 65536)
        except OSError:  # Linux's way to say that the other end is closed
            break
        if not piece:
            break
        seen += piece
    os.close(leader)
    assert process.wait(timeout=60) == 0
    return seen.decode()


def test_a_terminal_has_a_line_that_is_rewritten(tmp_path: Path) -> None:
    net = write_net(tmp_path, length="epochs = 400")
    seen = terminal(net)
    lines = re.findall(r"\r(epoch [^\r\n]*)\x1b\[K", seen)
    assert lines
    for line in lines:
        assert len(line) <= 69
        assert re.match(r"epoch +\d+/400  \[[=> ]{20}\]  [\d,.e+]+ steps/s  loss", line)
    shown = re.sub(r"[^\n]*\r(?!\n)", "", seen.replace("\x1b[K", ""))
    assert "left" not in shown, "nothing of it stays"
    assert len(re.findall(r"^epoch +\d+/400  train.loss", shown, re.MULTILINE)) in (10, 11, 12)
    assert "\x1b" not in terminal(net, "--quiet")
    assert "\x1b" not in terminal(net, "--json")
