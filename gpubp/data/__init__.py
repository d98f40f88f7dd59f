"""Reading data: what the `data` section of a `.net` file names, as checked arrays. Importing it needs no numpy.

What there is, from the top; each imports from its own line and those below it, by a contract in `pyproject.toml`:

- all rows: of an experiment (`feed`, and in `entries` how each is read), of a file for a trained net (`apply`), and a
  first look at a table (`glance`);
- readers, a file for each kind of source: tables, series, arrays, images, text, rows that are drawn or written out;
- rows of names: which columns belong to a name (`columns`), and these as numbers and `labels`: `table_rows`, the
  `windows` of a series, `array_rows`;
- what is done with the rows of a dataset: its parts (`split`, `folds`), `statistics`, `suspicions`;
- `dataset`: what a reader is asked for and gives, `Rows` of a name with the `Encoder` that makes later rows like them;
- tables: named columns, whatever file they stand in (`tables`, `arrow`, `workbook`);
- the cells of a text: cut into records (`layout` finds out how, `sheet` does it), read as arrays (`cells`), and what to
  say of those that cannot be (`misread`); files of arrays and of images;
- how a cell is written: missing marks and numbers (`notation`, and in `spelling` which one a table seems to be in), and
  `dates`;
- files: their bytes (`files`) in their encoding (`encodings`).
"""

from __future__ import annotations

from ..seeds import Purpose, generator, shuffled

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
from .entries import Readings, measure
from .feed import check_split, from_arrays, load
from .glance import Column, Glance, glance
from .notation import Notation
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
    "Readings",
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
