"""A plan as C code for several copies of its program: many steps of all of them in one call, each copy a SIMD lane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

from ...ir import Var
from ...ops import c_functions
from ...passes import ALIGN, ITEM, Plan
from .lane_rows import LaneKernel
from .memory import C_TYPE, LANES
from .number_table import number_table
from .parts import Compiled, CSource, KernelSteps
from .rows import RowKernel
from .source import PlanText

LARGEST = 1 << 20
"""Maximum bytes of all values and states of LANES copies for which this is faster: they stay in the L2 cache."""


_ARGUMENTS = {
    "char *": "arena",
    "const char *const *": "rows",
    "const int64_t *": "order",
    "int64_t ": "count start steps width",
    "bool8 *": "active",
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
    """The function `<name>(arena, tables, rows, order, count, start, steps, copies, active, results, width)`: `steps`
    steps of `copies` copies of a guarded program, whose states in `tables` have a leading axis; constants do not. None
    if a step is not entirely C, or too large to be worthwhile.

    `arena`: memory of `lanes_arena` bytes; threads share the copies, LANES each. `rows`: an array of data for each
    feed. Each step takes the rows after those of the last, from `start` on, and starts over after `count`; `order`
    (copies, count) is the permutation of the rows, if they are shuffled, and may span several epochs. `active`, a bool
    for each copy, says which are updated. A copy whose guard is false is deactivated: its states are restored, and its
    arrays of results hold what failed. The numbers `collect` of step s are written to index s of `results`, arrays with
    one row per copy, `width` apart; those of inactive copies are meaningless. Each copy is bit-identical to a single
    one.
    """
    if plan.program.guard is None or lanes_arena(plan) > LARGEST:
        return None
    return _LanesText(plan, name, hints, describe, number_table(plan), lanes=True).lanes_source(collect)


def lanes_arena(plan: Plan, copies: int = LANES) -> int:
    """Bytes that the function needs for so many copies."""
    return -(-copies // LANES) * (LANES * plan.arena + sum(_bytes(v) for v in plan.states))


def _bytes(state: Var) -> int:
    return -(-LANES * state.aval.size * ITEM[state.dtype] // ALIGN) * ALIGN


class _LanesText(PlanText):
    def row_kernel_type(self) -> type[RowKernel]:
        return LaneKernel

    def lanes_source(self, collect: Sequence[Var]) -> CSource | None:
        kernels, end = list(self.kernels()), len(self.plan.steps)
        ends = [0, *(kernel.stop for kernel in kernels)]
        if not kernels or ends[-1] != end or any(kernel.first != at for kernel, at in zip(kernels, ends, strict=False)):
            return None
        step = Compiled(self.name, 0, end)
        functions = (self._step_functions(kernels), self._steps_function(collect))
        body = "\n\n".join((*self.number_table.comment(self.describe), *functions))
        return CSource(f"{c_functions(body)}\n\n{body}\n", (step,), self.tables, self.name, {}, self.number_table.table)

    def guard(self) -> list[str]:
        return []

    def _step_functions(self, kernels: Sequence[KernelSteps]) -> str:
        """The functions that compute what comes before the guard, and what follows it."""
        early, end = self.plan.early, len(self.plan.steps)
        texts = []
        for word, part, stop in (
            ("before", [kernel for kernel in kernels if kernel.first < early], -1),
            ("after", [kernel for kernel in kernels if kernel.first >= early], end),
        ):
            head = f"static void {self.name}_{word}(char *arena, void *const *tables) {{"
            texts.append("\n".join([head, *self.with_number_pointer(self.statements(part, stop)), "}"]))
        return "\n\n".join(texts)

    def _steps_function(self, collect: Sequence[Var]) -> str:
        """The function that runs many steps of all copies, the copies divided among threads, with its arguments as a
        struct for the function that a thread calls."""
        fields = [(head, name) for head, names in _ARGUMENTS.items() for name in names.split()]
        call = ["typedef struct {", *(f"    {head}{name};" for head, name in fields), f"}} {self.name}_call;"]
        whole = [
            f"void {self.name}(char *arena, void *const *tables, const char *const *rows, const int64_t *order,",
            "        int64_t count, int64_t start, int64_t steps, int64_t copies, bool8 *active, void *const *results,",
            "        int64_t width) {",
            f"    {self.name}_call call = {{{', '.join(name for _, name in fields)}}};",
            f"    parallel_for({self.name}_part, (char *)&call, tables, copies, LANES);",
            "}",
        ]
        return "\n".join([*call, "", *self._part(fields, collect), "", *whole])

    def _part(self, fields: Sequence[tuple[str, str]], collect: Sequence[Var]) -> list[str]:
        """The function that runs the steps of the copies `begin` to `end`, as many at a time as there are lanes."""
        batch = self.plan.feeds[0].shape[0]
        sizes = [(v.aval.size, ITEM[v.dtype]) for v in self.plan.states]
        starts = accumulate(map(_bytes, self.plan.states), initial=LANES * self.plan.arena)
        return [
            f"static void {self.name}_part(char *given, void *const *tables, int64_t begin, int64_t end) {{",
            f"    const {self.name}_call *const call = (const {self.name}_call *)given;",
            *(f"    {head}{name} = call->{name};" for head, name in fields if name != "arena"),
            f"    void *own[{len(self.tables) + 1}];",
            *(f"    own[{k}] = tables[{k}];" for k in range(len(sizes), len(self.tables) + 1)),
            "    for (int64_t n = begin; n < end; n += LANES) {",
            f"        char *const arena = call->arena + n / LANES * {lanes_arena(self.plan)};",
            *(f"        own[{k}] = arena + {at};" for k, at in zip(range(len(sizes)), starts, strict=False)),
            "        const int64_t used = end - n < LANES ? end - n : LANES;",
            "        bool8 running[LANES], failed[LANES];",
            "        for (int64_t l = 0; l < LANES; l++) running[l] = l < used && active[n + l];",
            *(
                f"        to_lanes(own[{k}], (char *)tables[{k}] + n * {size * item}, {size}, {item}, used);"
                for k, (size, item) in enumerate(sizes)
            ),
            "        int64_t first = start;",
            "        for (int64_t s = 0; s < steps; s++) {",
            f"            for (int64_t i = 0; i < {batch}; i++) {{",
            "                int64_t row[LANES];",
            "                for (int64_t l = 0; l < LANES; l++) {",
            "                    const int64_t k = n + (l < used ? l : used - 1);",
            "                    row[l] = order ? order[k * count + first + i] : first + i;",
            "                }",
            *(
                f"                {line}"
                for k, feed in enumerate(self.plan.feeds)
                for line in self._load_row(k, feed, batch)
            ),
            "            }",
            f"            first = first + {batch} < count ? first + {batch} : 0;",
            f"            {self.name}_before(arena, own);",
            *(f"            {line}" for line in self._failed(sizes)),
            f"            {self.name}_after(arena, own);",
            *(f"            {line}" for k, var in enumerate(collect) for line in self._store_result(k, var)),
            "        }",
            *(f"        {_write_back(k, *size, 'running')}" for k, size in enumerate(sizes)),
            "    }",
            "}",
        ]

    def _failed(self, sizes: Sequence[tuple[int, int]]) -> list[str]:
        """Deactivate the copies whose gradient is not finite, and restore their states and gradients."""
        guard = self.plan.program.guard
        assert guard is not None
        memory = self.memory()
        text = memory.access(guard, ()).at([])
        return [
            "bool8 any = 0;",
            "{",
            f"    {memory.declarations()[0]}",
            f"    for (int64_t l = 0; l < LANES; l++) any |= failed[l] = running[l] & !{text};",
            "}",
            "if (any) {",
            *(f"    {_write_back(k, *size, 'failed')}" for k, size in enumerate(sizes)),
            "    for (int64_t l = 0; l < used; l++) running[l] &= !failed[l], active[n + l] &= !failed[l];",
            "}",
        ]

    def _store_result(self, k: int, var: Var) -> list[str]:
        memory = self.memory()
        text = memory.access(var, ()).at([])
        put = f"(({C_TYPE[var.dtype]} *)results[{k}])[(n + l) * width + s] = {text};"
        return ["{", f"    {memory.declarations()[0]}", f"    for (int64_t l = 0; l < used; l++) {put}", "}"]

    def _load_row(self, k: int, feed: Var, batch: int) -> list[str]:
        """Copy the rows `row` of feed number `k` to index `i` of the batch."""
        start, size, kind = self.plan.places[feed].buffer.start, feed.aval.size // batch, C_TYPE[feed.dtype]
        to = f"(({kind} *)(arena + {LANES * start}))[(i * {size} + j) * LANES + l]"
        get = f"((const {kind} *)rows[{k}])[row[l] * {size} + j]"
        return [f"for (int64_t j = 0; j < {size}; j++)", f"    for (int64_t l = 0; l < LANES; l++) {to} = {get};"]


def _write_back(k: int, size: int, item: int, which: str) -> str:
    """Write a state of the lanes `which` back to its origin."""
    return f"from_lanes((char *)tables[{k}] + n * {size * item}, own[{k}], {size}, {item}, {which});"
