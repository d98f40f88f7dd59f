"""A plan as C source: its pieces as loops, consecutive ones as one function that Python calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ...ir import Eqn, Reduction, Var, identifiers
from ...ops import c_functions, c_names, copy
from ...passes import ITEM, Buffer, Fusion, Plan, Step, base_of
from ..loops import loop_steps
from .identifiers import C_RESERVED, comment, readable_name
from .memory import C_TYPE, Memory, NoKernelError
from .number_table import NumberTable, number_table
from .parts import Compiled, CSource, KernelSteps, consecutive
from .rows import RowKernel
from .single import single_kernel


def c_source(
    plan: Plan,
    name: str,
    hints: Mapping[Var, str] | None = None,
    describe: Callable[[object], str] = str,
    collect: Sequence[Var] = (),
    *,
    unfused: bool = False,
) -> CSource:
    """The pieces of a plan that have a C form. The functions `<name>_0`, `<name>_1` ... are for consecutive pieces, or
    with `unfused` for one kernel each; the pieces between them stay in Python.

    If there are none, `<name>_many(arena, tables, rows, order, per_epoch, at, steps, results)` runs `steps` steps on
    batches of `rows`, an array of data for each feed, and writes the numbers `collect` of each step to `results`. Step
    `at` takes the batch with that number out of `per_epoch`, and starts over after the last; `order` is the permutation
    of the rows, if they are shuffled. It returns how many steps were run before the guard stopped one.
    """
    numbers = number_table(plan)
    bodies = {
        one.plan: PlanText(one.plan, f"{name}_loop{k}", {}, describe, numbers).source()
        for k, (_, one) in enumerate(loop_steps(plan.steps))
    }
    main = PlanText(plan, name, hints or {}, describe, numbers).source(collect, unfused)
    body = "\n\n".join((*numbers.comment(describe), *(part.text for part in (*bodies.values(), main) if part.text)))
    return replace(main, text=f"{c_functions(body)}\n\n{body}\n", bodies=bodies)


class PlanText:
    """The source of a plan, for one copy of its program or for `lanes`. `number_table`: the run-time numbers of the
    whole program, of which this plan may be a loop body."""

    reserved = C_RESERVED | c_names()
    """Reserved names."""

    def __init__(
        self,
        plan: Plan,
        name: str,
        hints: Mapping[Var, str],
        describe: Callable[[object], str],
        number_table: NumberTable,
        lanes: bool = False,
    ) -> None:
        self.plan, self.name, self.hints, self.describe = plan, name, hints, describe
        self.number_table, self.lanes = number_table, lanes
        eqns = [*plan.constants, *plan.views, *(step.eqn for step in plan.steps)]
        values = dict.fromkeys(
            (*plan.program.inputs, *plan.states, *(v for e in eqns for v in e.outputs), *plan.places)
        )
        readable = {v: readable_name(hints.get(v, v.hint)) for v in values}
        self.names = identifiers(values, readable, self.reserved)
        constants = [v for e in plan.constants for v in e.outputs if plan.places[v].buffer.kind == "constant"]
        self.tables = (*plan.states, *constants)
        self.table_index: dict[Buffer, int] = {plan.places[v].buffer: i for i, v in enumerate(self.tables)}
        self.views = {eqn.output: eqn for eqn in plan.views}
        self.readers = self._readers()
        self.part_functions: list[str] = []

    def _readers(self) -> dict[Var, set[int]]:
        """For each value the steps that read it; len(steps) stands for whatever comes after them."""
        readers: dict[Var, set[int]] = {}

        def read(x: Var, position: int) -> None:
            readers.setdefault(self.base(x), set()).add(position)

        for i, step in enumerate(self.plan.steps):
            for x in step.eqn.operands:
                read(x, i)
        program, end = self.plan.program, len(self.plan.steps)
        put_together = (x for eqn in program.eqns if eqn.op.concat_starts is not None for x in eqn.operands)
        ends = (*program.outputs, *(v for _, v in program.updates), *(v for _, v in self.plan.copies), *put_together)
        for x in (*ends, *(() if program.guard is None else (program.guard,))):
            read(x, end)
        return readers

    def base(self, x: Var) -> Var:
        """The value whose memory a view shares."""
        return base_of(x, self.views)

    # Kernels ------------------------------------------------------------------------------------------------------
    def kernels(self) -> Iterator[KernelSteps]:
        fusions = list(self.plan.fusions)
        while fusions:
            fusion = fusions.pop(0)
            if fusions and (merged := self._with_reduction(fusion, fusions[0])) is not None:
                fusions.pop(0)
                yield merged
                continue
            yield from self._largest_kernels(fusion)

    def _largest_kernels(self, fusion: Fusion) -> Iterator[KernelSteps]:
        """A piece as few kernels: fusing as many of its steps as possible."""
        first = fusion.first
        while first < fusion.stop:
            for stop in range(fusion.stop if fusion.shape is not None else first + 1, first, -1):
                if (kernel := self._rows(first, stop)) is not None:
                    yield kernel
                    break
            else:
                stop = first + 1
                if (kernel := self._single(first)) is not None:
                    yield kernel
            first = stop

    def _with_reduction(self, fusion: Fusion, following: Fusion) -> KernelSteps | None:
        """An elementwise fusion joined with the following reduction of all its elements."""
        eqn = self.plan.steps[following.first].eqn
        if following.stop > following.first + 1 or not isinstance(eqn.op.c, Reduction):
            return None
        (x,) = eqn.operands
        if following.first == self.plan.early or fusion.shape != x.shape or len(eqn.params["axis"]) != x.ndim:
            return None
        return self._rows(fusion.first, following.stop, x.ndim)

    def _rows(self, first: int, stop: int, inner: int = 0) -> KernelSteps | None:
        eqns = [step.eqn for step in self.plan.steps[first:stop]]
        shapes = [x.shape for e in eqns for x in (*(e.operands if e.op.trait != "elementwise" else ()), *e.outputs)]
        shape = max(shapes, key=lambda s: (len(s), *s))
        if not inner:
            reductions = [e for e in eqns if isinstance(e.op.c, Reduction)]
            inner = max((_trailing(e) for e in reductions), default=1)
        memory = self.memory()
        try:
            lines = self.row_kernel_type()(memory, eqns, shape, self.stored(range(first, stop)), inner).lines()
        except NoKernelError:
            return None
        return self._kernel(first, stop, memory, lines)

    def stored(self, steps: Collection[int]) -> set[Var]:
        """The values computed in some steps and read elsewhere."""
        computed = (v for i in steps for v in self.plan.steps[i].eqn.outputs)
        # What no equation reads is a copy that is part of something larger.
        return {v for v in computed if not self.readers.get(v, {-1}) <= set(steps)}

    def _single(self, first: int) -> KernelSteps | None:
        memory = self.memory()
        try:
            lines = self.single_lines(memory, self.plan.steps[first])
        except NoKernelError:
            return None
        return self._kernel(first, first + 1, memory, lines)

    def single_lines(self, memory: Memory, step: Step) -> Sequence[str]:
        """The code of one equation. Raises NoKernelError."""
        return single_kernel(memory, step)

    def memory(self) -> Memory:
        return Memory(self.plan, self.names, self.table_index, self.number_table, self.lanes)

    def row_kernel_type(self) -> type[RowKernel]:
        return RowKernel

    def _kernel(self, first: int, stop: int, memory: Memory, lines: Sequence[str]) -> KernelSteps:
        used = set(re.findall(r"\w+", "\n".join(lines)))
        declared = [line for line in memory.declarations() if used & set(re.findall(r"\w+_at_*|number\d+", line))]
        origins = tuple(dict.fromkeys(s.eqn.origin for s in self.plan.steps[first:stop] if s.eqn.origin is not None))
        return KernelSteps(first, stop, origins, (*declared, *lines), memory.split)

    # Functions ----------------------------------------------------------------------------------------------------
    def source(self, collect: Sequence[Var] = (), unfused: bool = False) -> CSource:
        """Only the functions, without those that they call, and without loops."""
        runs = consecutive(self.kernels(), unfused)
        functions = self.functions(runs)
        texts = [self._function(function, run) for function, run in zip(functions, runs, strict=True)]
        many = ""
        if functions and collect and (functions[0].first, functions[0].stop) == (0, len(self.plan.steps)):
            many = f"{self.name}_many"
            texts.append(self._many(many, functions[0], collect))
        return CSource("\n\n".join(texts), functions, self.tables, many, {}, self.number_table.table)

    def functions(self, runs: Iterable[Sequence[KernelSteps]]) -> tuple[Compiled, ...]:
        """A function for each run of kernels."""
        return tuple(Compiled(f"{self.name}_{k}", run[0].first, run[-1].stop) for k, run in enumerate(runs))

    def _many(self, name: str, step: Compiled, collect: Sequence[Var]) -> str:
        memory = self.memory()
        batch = self.plan.feeds[0].shape[0]
        lines = [
            f"int64_t {name}(char *arena, void *const *tables, const char *const *rows, const int64_t *order,",
            "        int64_t per_epoch, int64_t at, int64_t steps, void *const *results) {",
            "    for (int64_t s = 0; s < steps; s++, at++) {",
            f"        const int64_t first = at % per_epoch * {batch};",
            f"        for (int64_t i = 0; i < {batch}; i++) {{",
            "            const int64_t row = order ? order[first + i] : first + i;",
        ]
        for k, feed in enumerate(self.plan.feeds):
            start, size = self.plan.places[feed].buffer.start, feed.aval.size // batch * ITEM[feed.dtype]
            lines.append(f"            memcpy(arena + {start} + i * {size}, rows[{k}] + row * {size}, {size});")
        lines += ["        }", f"        if ({step.name}(arena, tables)) return s;"]
        for k, var in enumerate(collect):
            text = memory.access(var, ()).at([])
            pointer = memory.declarations()[k]
            lines += ["        {", f"            {pointer}"]
            lines += [f"            (({C_TYPE[var.dtype]} *)results[{k}])[s] = {text};", "        }"]
        return "\n".join([*lines, "    }", "    return steps;", "}"])

    def _function(self, function: Compiled, run: Iterable[KernelSteps]) -> str:
        head = f"int {function.name}(char *arena, void *const *tables) {{"
        lines = [head, *self.with_number_pointer(self.statements(run, function.stop)), "    return 0;", "}"]
        parts, self.part_functions = self.part_functions, []
        return "\n".join([*parts, *lines])

    def statements(self, run: Iterable[KernelSteps], stop: int) -> list[str]:
        """Consecutive kernels, with the guard among them and, if they run to the end, the copies."""
        plan, end = self.plan, len(self.plan.steps)
        lines: list[str] = []
        for kernel in run:
            if kernel.first == plan.early:
                lines += self.guard()
            lines += [f"    /* {comment(self.describe(origin))} */" for origin in kernel.origins]
            lines += self.block(kernel)
        if stop == end:
            if plan.early == end:
                lines += self.guard()
            for k, (state, value) in enumerate(plan.copies):
                lines += self.block(self.copy_kernel(self.memory(), value, state, end + k, end))
        return lines

    def copy_kernel(self, memory: Memory, value: Var, to: Var, first: int, stop: int) -> KernelSteps:
        """The kernel of a copy that is not a step of the plan."""
        lines = self.row_kernel_type()(memory, [Eqn(copy, (value,), {}, (to,))], to.shape, {to}).lines()
        return self._kernel(first, stop, memory, lines)

    def block(self, kernel: KernelSteps) -> list[str]:
        """A kernel's lines inline, or a call that splits them among threads, with the function appended to
        `part_functions`."""
        if kernel.split is None:
            return ["    {", *(f"        {line}" for line in kernel.lines), "    }"]
        name, (iterations, part_size) = f"{self.name}_part{kernel.first}", kernel.split
        head = f"static void {name}(char *arena, void *const *tables, int64_t begin, int64_t end) {{"
        self.part_functions += [head, *self.with_number_pointer([f"    {line}" for line in kernel.lines]), "}", ""]
        return [f"    parallel_for({name}, arena, tables, {iterations}, {part_size});"]

    def with_number_pointer(self, lines: list[str]) -> list[str]:
        """The body of a function, which first finds the run-time numbers after the tables, if it uses any."""
        if not any(" = NUMBER(" in line for line in lines):
            return lines
        return [f"    const char *const numbers = (const char *)tables[{len(self.tables)}];", *lines]

    def guard(self) -> list[str]:
        guard = self.plan.program.guard
        if guard is None:
            return []
        memory = self.memory()
        text = memory.access(guard, ()).at([])
        (pointer,) = memory.declarations()
        return [
            "    /* skip the update if a gradient is not finite */",
            "    {",
            f"        {pointer}",
            f"        if (!{text}) return 1;",
            "    }",
        ]


def _trailing(eqn: Eqn) -> int:
    """How many of the last axes a reduction takes, 1 if they are others."""
    (x,) = eqn.operands
    axes = sorted(a % x.ndim for a in eqn.params["axis"])
    return len(axes) if axes == list(range(x.ndim - len(axes), x.ndim)) else 1
