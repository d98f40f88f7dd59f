"""Reading data: what the `data` section of a `.net` file names, as checked arrays. Importing it needs no numpy."""

from __future__ import annotations

from . import csv as csv  # readers make themselves known by being imported
from . import later as later
from .dataset import Dataset
from .encoding import Encoding, encodings, read_table
from .feed import load, measure
from .seeds import shuffled

__all__ = ["Dataset", "Encoding", "encodings", "load", "measure", "read_table", "shuffled"]
