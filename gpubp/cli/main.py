"""`gpubp VERB ...`: reads the arguments, runs the verb, prints what went wrong."""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from difflib import get_close_matches
from importlib import import_module

from dsl.excerpt import visible
from dsl.wording import short

from .. import __version__
from ..errors import NO_ROOM, DeviceFailedError, DivergedError, GpubpError, NetError, SaveError, reason
from .color import findings, fitted
from .interrupt import interruptible
from .streams import discard, open_streams, print_error

VERBS = {
    "init": "write a starter file for a table, or one of the examples",
    "run": "train a net, print its metrics and save it",
    "range": "plot the loss while the learning rate grows from step to step, and suggest a rate",
    "search": "search the hyperparameters of a file, and rank the trials",
    "check": "check a file and show its layers and costs, without running anything",
    "fmt": "format files",
    "predict": "predict the rows of a table with a run or an ensemble",
    "evaluate": "compute the loss and metrics of a run or an ensemble on the rows of a table",
    "export": "write a run's net as one C file or as an ONNX model",
    "runs": "list saved runs, compare two of them, or average over seeds",
    "explain": "trace one example through a training step: values, formulas, gradients, the update",
    "gradcheck": "compare the gradients of a file with finite differences, parameter by parameter",
    "words": "list the layers, losses, optimizers ... that a file can name, or describe one",
    "doctor": "report what gpubp can use on this machine, and what to install for more",
    "graph": "draw the net of a file or a run, with shapes and parameter counts",
    "plot": "plot learning curves of runs, in the terminal or as a PNG or SVG file",
    "report": "write a run as one HTML page that works offline",
    "lsp": "run a language server: errors, completions and shapes in an editor as you type",
    "ir": "print the compiled program: standalone Python over NumPy or CuPy, or C, or CUDA",
}
"""Every verb is a module of this package with `declare(parser)` and `work(arguments)`; only the one asked for is
imported."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    open_streams()
    try:
        return _run(list(sys.argv[1:] if argv is None else argv))
    except NetError as error:
        print_error(findings(error.diagnostics, sys.stderr))
        return 2
    except GpubpError as error:
        # Names of files may hold what a terminal obeys.
        print_error(fitted("\n".join(map(visible, f"error: {error}".split("\n"))), sys.stderr, len("error: ")))
        return 1 if isinstance(error, DivergedError | SaveError | DeviceFailedError) else 2
    except MemoryError as error:
        text = str(error) or "the net or its data is too large for this machine"
        print_error(f"error: not enough memory: {text[:1].lower()}{text[1:]}")
        return 1
    except KeyboardInterrupt:
        print_error("stopped")
        return 130
    except BrokenPipeError:
        # Whoever read the output has gone (`| head`); what is left has no reader.
        discard(sys.stdout)
        return 0
    except OSError as error:
        if error.filename is None and error.errno not in NO_ROOM:
            raise
        if error.filename is not None:
            # What no reader or writer foresaw: a name that is too long, a folder that may not be looked into.
            print_error(f"error: `{short(visible(str(error.filename)), 60)}` cannot be used: {reason(error)}")
            return 1 if error.errno in NO_ROOM else 2
        # Without a name it is the output that finds no room.
        discard(sys.stdout)
        print_error(f"error: cannot write to standard output: {reason(error)}")
        return 1


def _run(words: Sequence[str]) -> int:
    """Run the command that the first word names; returns the exit code."""
    if not words or words[0].startswith("-"):
        _parse(_overview(), words or ["--help"])
    if words[0] not in VERBS:
        print_error(f"error: there is no command `{visible(words[0])}`; {_meant(words[0])}")
        return 2
    verb = import_module(f".{words[0]}", __package__)
    parser = argparse.ArgumentParser(prog=f"gpubp {words[0]}", description=VERBS[words[0]])
    verb.declare(parser)
    arguments = _parse(parser, words[1:])
    with interruptible():
        code: int = verb.work(arguments)
        sys.stdout.flush()
    return code


def _parse(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """The arguments. A help that was asked for is printed here: argparse would not say that there is no room for it."""
    shown = io.StringIO()
    try:
        with redirect_stdout(shown):
            arguments, more = parser.parse_known_args(words)
            if more:
                parser.error(f"unrecognized arguments: {' '.join(more)}{_instead(more[0], parser.format_usage())}")
            return arguments
    except SystemExit:
        print(shown.getvalue(), end="", flush=True)
        raise


def _instead(argument: str, usage: str) -> str:
    """What an option that the command does not have was perhaps to say: `--resme`, `--gpu`, `--lr 0.1`."""
    name, known = argument.partition("=")[0].removeprefix("--"), re.findall(r"--([\w-]+)", usage)
    if not argument.startswith("--"):
        return ""
    near = get_close_matches(name, known, 1)
    if near:
        return f"; did you mean `--{near[0]}`?"
    if name in ("cpu", "gpu", "cuda") and "device" in known:
        return f"; `--device {name.replace('cuda', 'gpu')}` chooses it"
    return "; the file says how to train, and `--set NAME=VALUE` sets its params" if "set" in known else ""


def _meant(word: str) -> str:
    """What a word in a verb's place was perhaps to say."""
    if word.endswith(".net"):
        return f"`gpubp run {visible(word)}` trains a file"
    near = get_close_matches(word, VERBS, 1)
    return f"did you mean `{near[0]}`?" if near else "`gpubp --help` lists all commands"


def _overview() -> argparse.ArgumentParser:
    """The parser of the command itself, without a verb: its help and its version."""
    width = max(map(len, VERBS))
    about = "Trains the networks that .net files describe, by backpropagation, on the GPU or the CPU."
    lines = "\n".join(f"  {name.ljust(width)}  {help}" for name, help in VERBS.items())
    parser = argparse.ArgumentParser(
        prog="gpubp",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=fitted(about, sys.stdout, 0),
        epilog=f"commands:\n{fitted(lines, sys.stdout)}\n\n`gpubp COMMAND --help` lists the options of each",
    )
    parser.add_argument("--version", action="version", version=f"gpubp {__version__}")
    parser.add_argument("verb", choices=VERBS, metavar="COMMAND", help="what to do")
    return parser
