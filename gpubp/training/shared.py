"""What the trainings of a study make once for all of them."""

from __future__ import annotations

from dataclasses import field

from dsl.records import dataclass

from ..data import Readings
from ..executor import Programs


@dataclass(slots=True)
class Shared:
    """What trainings of nets that differ in seed and split alone have in common: the `programs`, by precision, the
    `readings` of the data, how many of them take `turns` at present, and the number of `steps` that a call should take,
    as the last one of them found."""

    programs: dict[str, Programs] = field(default_factory=dict)
    readings: Readings = field(default_factory=Readings)
    turns: int = 1
    steps: int = 1
