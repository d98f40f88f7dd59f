"""`lsp`: a language server for `.net` files, which editors start."""

from __future__ import annotations

import argparse
from importlib import import_module

from ..errors import GpubpError


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    parser.description = (
        "Answers an editor over standard input and output (Language Server Protocol): findings while you type, "
        "documentation, completions, shapes, quick fixes, formatting. editors/README.md says how to set up editors."
    )
    # Some editors add it to every server's command.
    parser.add_argument("--stdio", action="store_true", help="standard input and output, which it always uses")


def work(arguments: argparse.Namespace) -> int:
    """Serve until the editor ends it. Raises GpubpError without pygls."""
    try:
        serve = import_module("..editor.server", __package__).serve
    except ImportError:
        raise GpubpError(
            "the language server needs pygls, which is not installed: `pip install 'gpubp[editor]'` brings it"
        ) from None
    serve()
    return 0
