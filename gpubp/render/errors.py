"""The error of programs that cannot be exported."""

from __future__ import annotations

from ..ir import Eqn


class CannotExportError(Exception):
    """An equation has no form in the language of the export."""

    def __init__(self, eqn: Eqn) -> None:
        super().__init__(eqn.op.name)
        self.eqn = eqn
