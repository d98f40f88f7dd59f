"""Steps that run back to back without the host: each gathers its batch first, and records its results last."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from dsl.records import dataclass

from ...ir import Var
from ..c.memory import C_TYPE
from .launch import Launch
from .text import batch_lines
from .vertical import VerticalText
from .work import BLOCK, blocks

CONTROL = ("row", "done", "rows", "order", "stopped", "going")
"""The first words of the control block of a loop of steps, 8 bytes each: the first row of the next batch, the number of
steps done, the number of rows after which it starts over, the address of the permutation of the rows (0: none), whether
the guard has stopped a step, and the address of a bool that is then cleared (0: none). The addresses of the data
follow, then those of the results (0 if a step is not recorded)."""


@dataclass(frozen=True, slots=True)
class Batches:
    """How steps run back to back without the host: `take` gathers the next `batch` rows, and the last kernel of a step
    records its results and counts it, unless the guard stopped it. Both use a control block of `words` words (CONTROL),
    the last table among the arguments of kernels. After the guard has stopped a step, later ones change nothing."""

    batch: int
    words: int
    take: Launch

    def control(
        self, row: int, rows: int, order: int, data: Iterable[int], results: Iterable[int], going: int = 0
    ) -> bytes:
        """The control block before the first step; `data`, `results`, `order` and `going` are addresses."""
        return struct.pack(f"<{self.words}q", row, 0, rows, order, 0, going, *data, *results)

    @staticmethod
    def done(control: bytes) -> int:
        """The number of steps done, from the first words of a control block."""
        return int(struct.unpack_from("<q", control, 8 * CONTROL.index("done"))[0])


class BatchText(VerticalText):
    """Adds the gather and the record. `controlled`: whether kernels have a control block."""

    controlled = False

    def table_count(self) -> int:
        """The number of addresses among the arguments of kernels, at least one."""
        return max(1, len(self.tables) + self.controlled)

    @property
    def _control(self) -> str:
        return f"int64_t *const control = (int64_t *)tables[{len(self.tables)}];"

    def unless_guard(self, then: str, more: str = "") -> list[str]:
        if self.controlled:
            # With `|`, not `||`, so that both loads are issued at once.
            more = f" | (((const int64_t *)tables[{len(self.tables)}])[{CONTROL.index('stopped')}] != 0)"
        return super().unless_guard(then, more)

    def take_lines(self) -> tuple[list[str], int, int]:
        """The body of the kernel that gathers the next batch, its grid and its block size."""
        feeds = len(self.plan.feeds)
        lines, most = batch_lines(self.plan, lambda k: f"data{k}")
        begin = [
            f"const {self._control}",
            "const int64_t at = control[0], count = control[2];",
            "const int64_t *const order = (const int64_t *)control[3];",
            *(f"const char *const data{k} = (const char *)control[{len(CONTROL) + k}];" for k in range(feeds)),
            f"if (control[{CONTROL.index('stopped')}]) return;",
            "const int64_t first = at % count;",
        ]
        return [*begin, *lines], min(blocks(most, BLOCK), 1024), BLOCK

    def record_lines(self, collect: Sequence[Var]) -> list[str]:
        """The body of the kernel, of one thread, that records the results of a step and counts it."""
        memory, lines, first = self.memory(), list[str](), len(CONTROL) + len(self.plan.feeds)
        for k, var in enumerate(collect):
            text = memory.access(var, ()).at([])
            lines.append(f"(({C_TYPE[var.dtype]} *)control[{first + k}])[control[1]] = {text};")
        stop = "{ control[4] = 1; if (control[5]) *(bool8 *)control[5] = 0; return; }"
        return [
            self._control,
            f"if (!control[{first}]) return;",
            *self.unless_guard(stop),
            *memory.declarations(),
            *lines,
            f"control[0] += {self.plan.feeds[0].shape[0]};",
            "control[1] += 1;",
        ]
