"""The order of the tasks of a block: in any step, what depends on another comes after it."""

from __future__ import annotations

from itertools import combinations

import hypothesis.strategies as st
from hypothesis import given

from gpubp.render.c.memory import Span
from gpubp.render.cuda.tasks import MAX_BARRIERS, LoopPhases, Task, merge_single_iterations, phases, split_off_warp
from gpubp.render.cuda.work import WARP

from .test_horizontal import piece


@st.composite
def steps(draw: st.DrawFn) -> list[Task]:
    """The batch, tasks of a warp or of more threads, some of which wait for each other, and loops; then some behind the
    guard."""

    def uses() -> list[Span]:
        return [piece(at) for at in draw(st.lists(st.integers(0, 9), max_size=2, unique=True))]

    first = Task("the batch", ("",), 1, draw(st.sampled_from([WARP, 64])), [], [piece(0)], False)
    early, late, found = draw(st.integers(0, 9)), draw(st.integers(0, 24)), [first]
    for k in range(early + late):
        inner = LoopPhases(2, ()) if k < early and draw(st.integers(0, 9)) == 0 else None
        lines = ("__syncthreads();",) if inner is None and draw(st.booleans()) else ("",)
        block = draw(st.sampled_from([WARP, WARP, 64]))
        found.append(Task(str(k), lines, 1, block, uses(), uses(), k >= early, loop=inner))
    return found


def clash(one: Task, other: Task) -> bool:
    return one.conflicts(other) or one.guarded != other.guarded


@given(steps())
def test_tasks_wait_for_what_they_depend_on(tasks: list[Task]) -> None:
    found = phases(tasks)
    strands = [(p, s, strand) for p, phase in enumerate(found) for s, strand in enumerate(phase)]
    place = {id(task): (p, s, k) for p, s, strand in strands for k, task in enumerate(strand.tasks)}
    assert sorted(place) == sorted(map(id, tasks))
    for one, other in combinations(tasks, 2):
        (p, s, k), (q, r, m) = place[id(one)], place[id(other)]
        assert not clash(one, other) or p < q or (p == q and s == r and k < m)
    for phase in found:
        assert sum(strand.synchronises for strand in phase) <= MAX_BARRIERS
        for strand in phase:
            assert len(strand.tasks) == 1 or all(t.threads <= WARP and t.loop is None for t in strand.tasks)


def test_a_block_has_barriers_for_some_tasks_at_a_time() -> None:
    meeting = [Task(str(k), ("__syncthreads();",), 1, WARP, [], [piece(k)], False) for k in range(2 * MAX_BARRIERS + 1)]
    assert [len(phase) for phase in phases(meeting)] == [MAX_BARRIERS, MAX_BARRIERS, 1]


@given(steps())
def test_what_a_warp_does_aside_waits_for_no_other_before_the_guard(tasks: list[Task]) -> None:
    own, left = split_off_warp(tasks)
    others = [task for task in left if not task.guarded]
    assert tasks[0] in others
    assert not any(one.conflicts(other) for one in own for other in others)
    assert all(t.threads <= WARP and t.loop is None and not t.guarded and not t.synchronises for t in own)
    for some in (own, left):
        assert some == [task for task in tasks if task in some], "in their order"
    assert len(own) + len(left) == len(tasks)


def test_a_loop_of_one_turn_is_none() -> None:
    assert merge_single_iterations("for (int q = thread; q < 32; q += 32) x;") == "if (const int q = thread; q < 32) x;"
    for text in ("for (int q = thread; q < 33; q += 32) x;", "for (int p = thread; p < 32; p += 32) x;"):
        assert merge_single_iterations(text) == text
