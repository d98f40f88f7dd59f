"""Steps that follow each other without the host: a gather of the next batch before each, and a record of its results
behind."""

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
"""The first words of the control block of a loop of steps, 8 bytes each: the first row of the next batch, the steps
done, the rows after which it begins anew, the address of their order (0: as they stand), whether the guard has stopped
a step, and the address of a bool that is then cleared (0: none). Then come the addresses of the rows and those of the
results, which are 0 where a step is not recorded."""


@dataclass(frozen=True, slots=True)
class Batches:
    """What lets steps follow each other without the host: `take` copies the next `batch` rows to their place, and the
    last work of a step writes down its results and counts it, unless the guard stopped it. Both read a control block of
    so many `words` (CONTROL), the last of the tables that kernels are given. Where the guard has stopped a step, those
    behind it change nothing."""

    batch: int
    words: int
    take: Launch

    def control(
        self, row: int, rows: int, order: int, data: Iterable[int], results: Iterable[int], going: int = 0
    ) -> bytes:
        """The control block before the first step, of addresses and of what CONTROL names."""
        return struct.pack(f"<{self.words}q", row, 0, rows, order, 0, going, *data, *results)

    @staticmethod
    def done(control: bytes) -> int:
        """The steps done, by the first words of a control block."""
        return int(struct.unpack_from("<q", control, 8 * CONTROL.index("done"))[0])


class BatchText(VerticalText):
    """`controlled`: whether kernels are given a control block."""

    controlled = False

    def table_count(self) -> int:
        """How many addresses kernels are given, at least one."""
        return max(1, len(self.tables) + self.controlled)

    @property
    def _control(self) -> str:
        return f"int64_t *const control = (int64_t *)tables[{len(self.tables)}];"

    def unless_guard(self, then: str, more: str = "") -> list[str]:
        if self.controlled:
            # By `|`, so that both are read at once.
            more = f" | (((const int64_t *)tables[{len(self.tables)}])[{CONTROL.index('stopped')}] != 0)"
        return super().unless_guard(then, more)

    def take_lines(self) -> tuple[list[str], int, int]:
        """The kernel that copies the rows of the next batch, with its blocks and their threads."""
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
        """The results of a step, written down by one thread, which also counts it."""
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
