"""The parameters of a net by name, as an executor returns them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ..errors import InputError


class Parameters(dict[str, Any]):
    """Live views by name. Assigning to a name, `update` or `|=` copies values into the net by `set_values`, which is
    `Executor.set_parameters`; names cannot be added or removed. Copies made by `copy`, `|` or pickle are plain
    dictionaries."""

    __slots__ = ("set_values",)

    def __init__(self, views: Mapping[str, Any], set_values: Callable[[Mapping[str, Any]], None]) -> None:
        super().__init__(views)
        self.set_values = set_values

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)

    def __setitem__(self, name: str, value: Any) -> None:
        self.set_values({name: value})

    def update(self, *values: Any, **named: Any) -> None:
        """Copy several values, or none of them if one is invalid."""
        self.set_values(dict(*values, **named))

    def __ior__(self, values: Any) -> Parameters:  # type: ignore[override,misc]
        self.update(values)
        return self

    def _fixed(self, *_: Any, **__: Any) -> NoReturn:
        raise InputError("the names of a net's parameters are those of its file: none can be added or taken out")

    __delitem__ = pop = popitem = clear = setdefault = _fixed
