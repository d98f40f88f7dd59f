"""The arguments that something takes, by name and order."""

from __future__ import annotations

from ..records import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """What a call may hand over. `positional` options may be given by position too; `note` is the signature as text."""

    name: str
    inputs: tuple[str, ...]
    options: tuple[str, ...]
    positional: tuple[str, ...]
    required: frozenset[str]
    variadic: bool = False
    note: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """The signature as the notes of a finding."""
        return (self.note,) if self.note else ()
