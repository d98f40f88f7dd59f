"""JSON as RFC 8259 defines it. It has no infinity and no NaN: such numbers are the strings "inf", "-inf" and "nan"."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

_encode = json.JSONEncoder(allow_nan=False).encode


def dumps(value: object, indent: int | None = None) -> str:
    """The text of mappings, sequences, texts and numbers."""
    try:
        return _encode(value) if indent is None else json.dumps(value, indent=indent, allow_nan=False)
    except ValueError:
        return json.dumps(finite(value), indent=indent, allow_nan=False)


def finite(value: Any) -> Any:
    """The same value with numbers that are not finite as strings."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    return [finite(one) for one in value] if isinstance(value, list | tuple) else value


def rounded(value: float) -> float | str:
    """A number of six digits; one that is not finite as a string."""
    return float(f"{value:.6g}") if math.isfinite(value) else str(value)


def has_types(record: object, types: Mapping[str, Any]) -> bool:
    """Whether a value is a mapping, as of JSON, with a value of its type under each of these keys: None is one of a
    missing key, and a bool is no number."""
    if not isinstance(record, dict):
        return False
    values = ((record.get(key), type_) for key, type_ in types.items())
    return all(isinstance(value, type_) and not isinstance(value, bool) for value, type_ in values)


def number(value: object) -> object:
    """The inverse of `finite` for a number; other values as they are."""
    return float(value) if value in ("inf", "-inf", "nan") else value
