"""What CuPy has: cupy_names.json as Python signatures."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

NAMES: dict[str, Any] = json.loads((Path(__file__).resolve().parent / "cupy_names.json").read_text(encoding="utf-8"))
UNKNOWN = inspect.Signature(
    [
        inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
        inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
    ]
)


def signature(parameters: Sequence[str] | None) -> inspect.Signature:
    """The signature that make_names.py wrote as words; None, for what CuPy does not tell, takes anything."""
    if parameters is None:
        return UNKNOWN
    kind: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
    if "/" in parameters:
        kind = inspect.Parameter.POSITIONAL_ONLY
    found = []
    for word in parameters:
        if word == "/":
            kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        elif word == "*":
            kind = inspect.Parameter.KEYWORD_ONLY
        elif word.startswith("**"):
            found.append(inspect.Parameter(word[2:], inspect.Parameter.VAR_KEYWORD))
        elif word.startswith("*"):
            found.append(inspect.Parameter(word[1:], inspect.Parameter.VAR_POSITIONAL))
            kind = inspect.Parameter.KEYWORD_ONLY
        else:
            default = None if word.endswith("=") else inspect.Parameter.empty
            found.append(inspect.Parameter(word.removesuffix("="), kind, default=default))
    return inspect.Signature(found)


def arrange(
    name: str, wanted: inspect.Signature, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Puts a call of CuPy's function `name` into NumPy's form: what must be given by position, the rest by keyword.

    The order of optional arguments differs between the two. TypeError where CuPy's function would not take them.
    """
    try:
        given = wanted.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise TypeError(f"cupy.{name}{wanted}: {error}") from None
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for key, value in given.items():
        parameter = wanted.parameters[key]
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            positional.extend(value)
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            named.update(value)
        elif parameter.default is inspect.Parameter.empty or (name == "arange" and key != "dtype"):
            positional.append(value)
        else:
            named[key] = value
    return tuple(positional), named
