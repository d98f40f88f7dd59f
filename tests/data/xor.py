"""The XOR rows, for a process that must not import numpy."""

from __future__ import annotations

from dsl.graph import Data, DataEntry
from dsl.source import Source, Span

_SOURCE = Source("xor.net", "x = [[0, 0], [0, 1], [1, 0], [1, 1]]")
_SPAN = Span(_SOURCE, 0, 1)
_VALUE = Span(_SOURCE, 4, len(_SOURCE.text))
XOR = Data(
    (
        DataEntry(("x",), ((0, 0), (0, 1), (1, 0), (1, 1)), _SPAN, (_SPAN,), _VALUE),
        DataEntry(("y",), ((0,), (1,), (1,), (0,)), _SPAN, (_SPAN,), _VALUE),
    ),
    None,
    _SPAN,
)
