"""Work, counted: the calls of a piece of Python are as many on every machine, busy or not, and need no clock."""

from __future__ import annotations

import sys
from collections.abc import Callable
from cProfile import Profile


def calls(work: Callable[[], object]) -> int:
    """Functions that are called, of Python and of C, and generators that go on, while `work` is done."""
    counter = Profile(subcalls=False)  # it counts in C, where a function of Python would take five times as long
    before = sys.getprofile()
    sys.setprofile(None)
    counter.enable()
    try:
        work()
    finally:
        counter.disable()
        sys.setprofile(before)
    return sum(entry.callcount for entry in counter.getstats())
