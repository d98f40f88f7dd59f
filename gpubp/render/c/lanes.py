"""A plan as C code for several copies of its program: many steps of all of them in one call, each copy a SIMD lane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

from ...ir import Var
from ...ops import c_functions
from ...passes import ALIGN, ITEM, Plan
from .given import given
from .lane_rows import LaneKernel
from .memory import C_TYPE, LANES
from .parts import Compiled, CSource, Kernel
from .rows import RowKernel
from .source import PlanText

LARGEST = 1 << 20
"""Maximum bytes of all values and states of LANES copies for which this is faster: they stay in the L2 cache."""


_GIVEN = {
    "char *": "arena",
    "const char *const *": "rows",
    "const int64_t *": "order",
    "int64_t ": "count start steps width",
    "bool8 *": "moving",
    "void *const *": "results",
}
"""The arguments passed to each thread: types and names."""


def lanes_source(
    plan: Plan,
    name: str,
    hints: Mapping[Var, str],
    describe: Callable[[object], str],
    collect: Sequence[Var],
) -> CSource | None:
    """The function `<name>(arena, tables, rows, order, count, start, steps, copies, going, results, width)`: `steps`
    steps of `copies` copies of a guarded program, whose states in `tables` have a leading axis; constants do not. None
    if a step is not entirely C, or too large to be worthwhile.

    `arena`: memory of `lanes_arena` bytes; threads share the copies, LANES each. `rows`: an array of data for each
    feed. Each step takes the rows after those of the last, from `start` on, and starts over after `count`; `order`
    (copies, count) is the permutation of the rows, if they are shuffled, and may span several epochs. `going`, a bool
    for each copy, says which are updated. A copy whose guard is false is deactivated: its states are restored, and its
    arrays of results hold what failed. The numbers `collect` of step s are written to index s of `results`, arrays with
    one row per copy, `width` apart; those of inactive copies are meaningless. Each copy is bit-identical to a single
    one.
    """
    if plan.program.guard is None or lanes_arena(plan) > LARGEST:
        return None
    return _LanesText(plan, name, hints, describe, given(plan), lanes=True).source_of_lanes(collect)


def lanes_arena(plan: Plan, copies: int = LANES) -> int:
    """Bytes that the function needs for so many copies."""
    return -(-copies // LANES) * (LANES * plan.arena + sum(_bytes(v) for v in plan.states))


def _bytes(state: Var) -> int:
    return -(-LANES * state.aval.size * ITEM[state.dtype] // ALIGN) * ALIGN


class _LanesText(PlanText):
    def rows_kernel(self) -> type[RowKernel]:
        return LaneKernel

    def source_of_lanes(self, collect: Sequence[Var]) -> CSource | None:
        run, end = list(self.kernels()), len(self.plan.steps)
        ends = [0, *(kernel.stop for kernel in run)]
        if not run or ends[-1] != end or any(kernel.first != at for kernel, at in zip(run, ends, strict=False)):
            return None
        step = Compiled(self.name, 0, end)
        body = "\n\n".join((*self.given.told(self.describe), self._halves(run), self._all_steps(collect)))
        return CSource(f"{c_functions(body)}\n\n{body}\n", (step,), self.tables, self.name, {}, self.given.table)

    def guard(self) -> list[str]:
        return []

    def _halves(self, run: Sequence[Kernel]) -> str:
        """The functions that compute what comes before the guard, and what follows it."""
        early, end = self.plan.early, len(self.plan.steps)
        texts = []
        for word, some, stop in (
            ("before", [kernel for kernel in run if kernel.first < early], -1),
            ("after", [kernel for kernel in run if kernel.first >= early], end),
        ):
            head = f"static void {self.name}_{word}(char *arena, void *const *tables) {{"
            texts.append("\n".join([head, *self.with_numbers(self.statements(some, stop)), "}"]))
        return "\n\n".join(texts)

    def _all_steps(self, collect: Sequence[Var]) -> str:
        batch = self.plan.feeds[0].shape[0]
        sizes = [(v.aval.size, ITEM[v.dtype]) for v in self.plan.states]
        starts = accumulate(map(_bytes, self.plan.states), initial=LANES * self.plan.arena)
        given = [(head, name) for head, names in _GIVEN.items() for name in names.split()]
        lines = [
            "typedef struct {",
            *(f"    {head}{name};" for head, name in given),
            f"}} {self.name}_call;",
            "",
            f"static void {self.name}_part(char *given, void *const *tables, int64_t begin, int64_t end) {{",
            f"    const {self.name}_call *const call = (const {self.name}_call *)given;",
            *(f"    {head}{name} = call->{name};" for head, name in given if name != "arena"),
            f"    void *own[{len(self.tables) + 1}];",
            *(f"    own[{k}] = tables[{k}];" for k in range(len(sizes), len(self.tables) + 1)),
            "    for (int64_t n = begin; n < end; n += LANES) {",
            f"        char *const arena = call->arena + n / LANES * {lanes_arena(self.plan)};",
            *(f"        own[{k}] = arena + {at};" for k, at in zip(range(len(sizes)), starts, strict=False)),
            "        const int64_t here = end - n < LANES ? end - n : LANES;",
            "        bool8 going[LANES], struck[LANES];",
            "        for (int64_t l = 0; l < LANES; l++) going[l] = l < here && moving[n + l];",
            *(
                f"        to_lanes(own[{k}], (char *)tables[{k}] + n * {size * item}, {size}, {item}, here);"
                for k, (size, item) in enumerate(sizes)
            ),
            "        int64_t first = start;",
            "        for (int64_t s = 0; s < steps; s++) {",
            f"            for (int64_t i = 0; i < {batch}; i++) {{",
            "                int64_t row[LANES];",
            "                for (int64_t l = 0; l < LANES; l++) {",
            "                    const int64_t k = n + (l < here ? l : here - 1);",
            "                    row[l] = order ? order[k * count + first + i] : first + i;",
            "                }",
            *(
                f"                {line}"
                for k, feed in enumerate(self.plan.feeds)
                for line in self._fed(k, feed, batch)
            ),
            "            }",
            f"            first = first + {batch} < count ? first + {batch} : 0;",
            f"            {self.name}_before(arena, own);",
            *(f"            {line}" for line in self._struck(sizes)),
            f"            {self.name}_after(arena, own);",
            *(f"            {line}" for k, var in enumerate(collect) for line in self._collected(k, var)),
            "        }",
            *(f"        {_back(k, *size, 'going')}" for k, size in enumerate(sizes)),
            "    }",
            "}",
            "",
            f"void {self.name}(char *arena, void *const *tables, const char *const *rows, const int64_t *order,",
            "        int64_t count, int64_t start, int64_t steps, int64_t copies, bool8 *moving, void *const *results,",
            "        int64_t width) {",
            f"    {self.name}_call call = {{{', '.join(name for _, name in given)}}};",
            f"    share({self.name}_part, (char *)&call, tables, copies, LANES);",
            "}",
        ]
        return "\n".join(lines)

    def _struck(self, sizes: Sequence[tuple[int, int]]) -> list[str]:
        """A copy whose gradient is not finite: restore its states and its gradient."""
        guard = self.plan.program.guard
        assert guard is not None
        memory = self.memory()
        text = memory.access(guard, ()).at([])
        return [
            "bool8 any = 0;",
            "{",
            f"    {memory.declarations()[0]}",
            f"    for (int64_t l = 0; l < LANES; l++) any |= struck[l] = going[l] & !{text};",
            "}",
            "if (any) {",
            *(f"    {_back(k, *size, 'struck')}" for k, size in enumerate(sizes)),
            "    for (int64_t l = 0; l < here; l++) going[l] &= !struck[l], moving[n + l] &= !struck[l];",
            "}",
        ]

    def _collected(self, k: int, var: Var) -> list[str]:
        memory = self.memory()
        text = memory.access(var, ()).at([])
        put = f"(({C_TYPE[var.dtype]} *)results[{k}])[(n + l) * width + s] = {text};"
        return ["{", f"    {memory.declarations()[0]}", f"    for (int64_t l = 0; l < here; l++) {put}", "}"]

    def _fed(self, k: int, feed: Var, batch: int) -> list[str]:
        """Copy the rows `row` of feed number `k` to index `i` of the batch."""
        start, size, kind = self.plan.places[feed].buffer.start, feed.aval.size // batch, C_TYPE[feed.dtype]
        to = f"(({kind} *)(arena + {LANES * start}))[(i * {size} + j) * LANES + l]"
        get = f"((const {kind} *)rows[{k}])[row[l] * {size} + j]"
        return [f"for (int64_t j = 0; j < {size}; j++)", f"    for (int64_t l = 0; l < LANES; l++) {to} = {get};"]


def _back(k: int, size: int, item: int, which: str) -> str:
    """Write a state of the lanes `which` back to its origin."""
    return f"from_lanes((char *)tables[{k}] + n * {size * item}, own[{k}], {size}, {item}, {which});"
