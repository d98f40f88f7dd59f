"""`check FILE`: read and check everything, compute nothing."""

from __future__ import annotations

import argparse

from .common import add_file, open_net


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what arguments the verb takes."""
    add_file(parser)


def work(arguments: argparse.Namespace) -> int:
    """Print the layers, or raise NetError."""
    print(open_net(arguments).summary())
    return 0
