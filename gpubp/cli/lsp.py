"""`lsp`: a language server for `.net` files, which editors start."""

from __future__ import annotations

import argparse
from importlib import import_module

from ..errors import GpubpError


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    parser.description = (
        "Runs a language server over standard input and output, which editors start: errors as you type, "
        "documentation, completions, shapes, quick fixes, formatting. editors/README.md says how to set up editors."
    )
    # Some editors add it to every server's command.
    parser.add_argument("--stdio", action="store_true", help="ignored: it always uses standard input and output")


def work(arguments: argparse.Namespace) -> int:
    """Serve until the editor ends it. Raises GpubpError without pygls."""
    try:
        serve = import_module("..editor.server", __package__).serve
    except ImportError:
        raise GpubpError(
            "the language server needs pygls, which is not installed: `pip install 'gpubp[editor]'`"
        ) from None
    serve()
    return 0
