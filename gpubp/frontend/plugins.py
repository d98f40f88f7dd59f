"""Plugins: definitions from installed packages, through entry points."""

from __future__ import annotations

from functools import cache

from ..errors import GpubpError
from ..registry import ENTRIES

GROUPS = ("gpubp.layers", "gpubp.losses", "gpubp.optimizers", "gpubp.readers")


@cache
def load_plugins() -> int:
    """Import the entry points of installed packages, once; each registers its definitions. Returns the number of new
    definitions. Raises GpubpError naming a package that cannot be imported."""
    # Looking for packages takes longer than checking a small file: it is only done for unknown names.
    from importlib.metadata import entry_points

    before = len(ENTRIES)
    for group in GROUPS:
        for point in entry_points(group=group):
            try:
                point.load()
            except Exception as error:  # a package may raise anything; the message must name it
                package = point.dist.name if point.dist is not None else point.value
                raise GpubpError(f"the installed package `{package}` cannot be used ({group}): {error}") from error
    return len(ENTRIES) - before
