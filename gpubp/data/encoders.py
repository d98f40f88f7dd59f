"""What the training rows taught about one name, kept so that later rows are encoded alike: columns, words, statistics.

An encoder is plain data with a JSON form. It is saved beside the weights; `gpubp.data.apply` uses it on new tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from math import isfinite, nan, prod
from typing import TYPE_CHECKING, Any

from dsl.graph import Type
from dsl.records import dataclass

from ..errors import CheckpointError
from .encodings import UTF8, is_encoding
from .notation import PLAIN, Notation, saved_notation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST = 1 << 28  # elements of one example: what is larger was never saved


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a table that belongs to a name.

    `words`: those of a text column, which becomes as many numbers, one of them 1. `fill`: the number that stands for a
    missing cell; None where a missing cell is an error. `unit`: that of its numbers, where several were told.
    """

    name: str
    words: tuple[str, ...] = ()
    fill: float | None = None
    unit: str = ""

    @property
    def width(self) -> int:
        """How many numbers the column becomes."""
        return len(self.words) or 1


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How the table that was learned from is written. `known`: all its columns; `header`: whether the file names them;
    of a text `notation`: how numbers and dates are written, `encoding`, and the `delimiter` that its reader was told.
    """

    known: tuple[str, ...] = ()
    header: bool = True
    notation: Notation = PLAIN
    encoding: str = UTF8
    delimiter: str = ""


@dataclass(frozen=True, slots=True)
class Encoder:
    """How the rows of one name become arrays.

    `shape`, `classes`: its type per example. `feature`: an input, not a target. `fields`: its columns, where it comes
    from a table, `file`: how that is written. `words`: what the labels 0, 1, ... stand for, where they stand for words
    or for the file's own numbers; `unknown`: whether the last of them stands for all others. `scale` multiplies
    numbers; then `mean` and `deviation` (flat, one for each element; or empty) bring them to mean 0 and deviation 1.
    `level`: `char` or `word` where the labels are tokens of a text. `image`: where the numbers are pixels, whether the
    images were `resized` to this shape, or are `exact` as they stand. `moments`, of a series: the first of the moments
    that a row holds and the one behind the last, counted from where its window begins, and how far windows are apart.
    """

    shape: tuple[int, ...]
    classes: int | None = None
    feature: bool = False
    fields: tuple[Field, ...] = ()
    file: FileFormat = FileFormat()
    words: tuple[str, ...] = ()
    unknown: bool = False
    scale: float = 1.0
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    level: str = ""
    image: str = ""
    moments: tuple[int, ...] = ()

    @property
    def type(self) -> Type:
        return Type(self.shape, self.classes)

    @property
    def onehot(self) -> bool:
        """Whether some of its numbers say which word stands in a column."""
        return any(field.words for field in self.fields)

    def numbers(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """Numbers (n, ...) as they stand in the file, NaN where one is missing, as finished rows: float64 (n, *shape).

        A column with words holds 0 or 1 for each of them already; those are left as they are by `scale`.
        """
        import numpy as np

        values: NDArray[np.float64] = np.array(raw, dtype=np.float64).reshape(len(raw), prod(self.shape))
        at = 0
        for field in self.fields:
            if field.fill is not None:
                column = values[:, at]
                column[np.isnan(column)] = field.fill
            at += field.width
        if self.scale != 1:
            values *= np.where(self._coded(), 1.0, self.scale) if self.onehot else self.scale
        if self.mean:
            values -= np.asarray(self.mean)
            values /= np.asarray(self.deviation)
        return values.reshape(len(raw), *self.shape)

    def without_statistics(self) -> Encoder:
        """The same without what the training rows taught: numbers are only scaled, missing ones stay NaN."""
        # One object NaN for all: encoders that differ in their statistics alone are equal then.
        fields = tuple(replace(field, fill=None if field.fill is None else nan) for field in self.fields)
        return replace(self, fields=fields, mean=(), deviation=())

    def with_statistics(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """What `numbers` gives for rows, from what it gives `without_statistics`; to the bit."""
        fills = (None if field.fill is None else field.fill * self.scale for field in self.fields)
        fields = tuple(replace(field, fill=fill) for field, fill in zip(self.fields, fills, strict=True))
        return replace(self, fields=fields, scale=1.0).numbers(values)

    def labels(self, raw: NDArray[Any]) -> NDArray[np.int64]:
        """Whole numbers as they stand in the file as labels, int64 (n, *shape); each of them is known to be one."""
        import numpy as np

        values = raw.astype(np.int64).reshape(len(raw), *self.shape)
        return np.searchsorted(np.array([int(w) for w in self.words]), values) if self.words else values

    def finish(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Rows as they stand in a file of arrays as finished rows."""
        return self.numbers(raw) if self.classes is None else self.labels(raw)

    def _coded(self) -> NDArray[np.bool_]:
        import numpy as np

        return np.array([bool(field.words) for field in self.fields for _ in range(field.width)])

    def fixed(self) -> NDArray[np.bool_]:
        """Which elements `standardize` leaves alone: those that say which word stands in a column."""
        import numpy as np

        return self._coded() if self.onehot else np.zeros(prod(self.shape), dtype=bool)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """What the labels 0, 1, ... stand for, numbers too; nothing for a name that has no labels."""
        return self.words or tuple(map(str, range(self.classes or 0)))

    def word(self, label: int) -> str:
        """What the label stands for. Raises IndexError for one that is no label."""
        if not 0 <= label < (self.classes or 0):
            raise IndexError(f"{label} is none of {self.classes or 0} labels")
        return self.vocabulary[label]


def to_json(encoders: Mapping[str, Encoder]) -> dict[str, Any]:
    """The encoders as data that `json.dumps` takes; floats come back to the bit."""
    saved = {name: asdict(encoder) for name, encoder in encoders.items()}
    return {name: entry | entry.pop("file") for name, entry in saved.items()}


def from_json(saved: object) -> dict[str, Encoder]:
    """What `to_json` gave, read back and checked. Raises CheckpointError where it is anything else."""
    if not isinstance(saved, Mapping):
        raise CheckpointError("the saved encoders are no mapping of names")
    found = {}
    for name, entry in saved.items():
        try:
            found[str(name)] = _encoder(dict(entry))
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise CheckpointError(f"the saved encoder of `{name}` is damaged, or of another version: {error}") from None
    return found


def _encoder(entry: Mapping[str, Any]) -> Encoder:
    """An encoder from its saved form; a part that was not saved has its default."""
    odd = next((part for part in entry if part not in _PARTS), None)
    if odd is not None:
        raise ValueError(f"it has a part `{odd}` that this version does not know")
    parts = {part: _PARTS[part](value) for part, value in entry.items()}
    file = FileFormat(**{part: parts.pop(part) for part in FileFormat.__slots__ if part in parts})
    found = Encoder(**parts, file=file)
    size, moments = prod(found.shape), found.moments
    if size > _MOST or len(found.mean) not in (0, size) or len(found.deviation) != len(found.mean):
        raise ValueError("its sizes do not fit together")
    if moments and (len(moments) != 3 or moments[0] >= moments[1] or not moments[2]):
        raise ValueError("its moments are none")
    each = sum(field.width for field in found.fields) * (moments[1] - moments[0] if moments else 1)
    if found.fields and found.classes is None and each != size:
        raise ValueError("its columns do not fit its shape")
    if found.words and len(found.words) != found.classes:
        raise ValueError("its words are not as many as its classes")
    if 0.0 in found.deviation:
        raise ValueError("a deviation is 0")
    return found


def _fields(entries: Any) -> tuple[Field, ...]:
    return tuple(
        Field(
            str(each["name"]),
            _words(each["words"]),
            None if each["fill"] is None else _real(each["fill"]),
            str(each.get("unit", "")),
        )
        for each in entries
    )


def _words(items: Any) -> tuple[str, ...]:
    if isinstance(items, str) or not all(isinstance(item, str) for item in items):
        raise ValueError("a list of words holds something else")
    return tuple(items)


def _known_encoding(name: Any) -> str:
    if not isinstance(name, str) or not is_encoding(name):
        raise ValueError(f"{name!r} is no encoding")
    return name


def _whole(number: Any) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= _MOST:
        raise ValueError(f"{number!r} is no size")
    return number


def _real(number: Any) -> float:
    if not isinstance(number, (int, float)) or isinstance(number, bool) or not isfinite(number):
        raise ValueError(f"{number!r} is not a finite number")
    return float(number)


def _reals(numbers: Any) -> tuple[float, ...]:
    return tuple(map(_real, numbers))


def _wholes(numbers: Any) -> tuple[int, ...]:
    return tuple(map(_whole, numbers))


_PARTS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("feature", "header", "unknown"), bool),
    **dict.fromkeys(("level", "image", "delimiter"), str),
    **dict.fromkeys(("known", "words"), _words),
    **dict.fromkeys(("mean", "deviation"), _reals),
    **dict.fromkeys(("shape", "moments"), _wholes),
    "classes": lambda number: None if number is None else _whole(number),
    "fields": _fields,
    "scale": _real,
    "notation": saved_notation,
    "encoding": _known_encoding,
}
"""What reads each part of an encoder, and refuses what it cannot be."""
