"""Reading data: what the `data` section of a `.net` file names, as checked arrays. Importing it needs no numpy."""

from __future__ import annotations

# Readers make themselves known by being imported.
from . import arrays as arrays
from . import cifar as cifar
from . import images as images
from . import series as series
from . import synthetic as synthetic
from . import table_readers as table_readers
from . import text as text
from .apply import NewRows, read_table
from .dataset import PARTS, Dataset
from .dates import order_of
from .encoders import Encoder, from_json, to_json
from .encodings import UTF8
from .feed import check_split, from_arrays, load, measure
from .glance import Column, Glance, glance
from .notation import Notation
from .seeds import Purpose, generator, shuffled
from .stream import Stored, Stream
from .suspicions import LARGEST_SINGLE

__all__ = [
    "Column",
    "Dataset",
    "Encoder",
    "Glance",
    "LARGEST_SINGLE",
    "NewRows",
    "Notation",
    "PARTS",
    "Purpose",
    "Stored",
    "Stream",
    "UTF8",
    "check_split",
    "from_arrays",
    "from_json",
    "generator",
    "glance",
    "load",
    "measure",
    "order_of",
    "read_table",
    "shuffled",
    "to_json",
]
