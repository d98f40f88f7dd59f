"""The `.net` language: text -> syntax tree -> layer graph. It knows no layer by name: a catalogue declares them.

This module exports the data types that its stages exchange, none of which needs lark. The stages themselves are
imported from their modules: `from dsl.parse import parse`, `from dsl.resolve import resolve`.
"""

from __future__ import annotations

from .catalog import REQUIRED, Catalog, Kind, Option, Part, Signature
from .diagnostics import Diagnostic, DiagnosticError, Label, Severity
from .graph import Choice, Data, DataEntry, Duration, Frame, LayerGraph, Node, Param, Static, Train, Type, Word
from .source import Source, Span

__all__ = [
    "REQUIRED",
    "Catalog",
    "Choice",
    "Data",
    "DataEntry",
    "Diagnostic",
    "DiagnosticError",
    "Duration",
    "Frame",
    "Kind",
    "Label",
    "LayerGraph",
    "Node",
    "Option",
    "Param",
    "Part",
    "Severity",
    "Signature",
    "Source",
    "Span",
    "Static",
    "Train",
    "Type",
    "Word",
]
