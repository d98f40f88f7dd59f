"""What holds for every test: warnings are errors (pyproject.toml), NumPy's error state is left alone, and the BLAS
takes one thread."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator

import numpy  # noqa: F401  # loads the BLAS
import pytest
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits

from gpubp.backends.threads import threads

# To compile the package and the tests anew takes each of the processes that tests start longer than to start: bytecode
# is kept, also where the environment, as that of many containers, switches it off.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Two cores shared with other work make single examples slow now and then: time is no criterion.
settings.register_profile("default", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


@pytest.fixture(scope="session", autouse=True)
def one_thread_of_the_blas() -> Iterator[None]:
    """There is a process of tests for each core: threads of the BLAS beside them would only spin. Compiled kernels take
    the threads that they take without this, and so do processes that a test starts."""
    threads()  # remembers how many the BLAS takes
    with threadpool_limits(1, "blas"):
        yield


@pytest.fixture
def signals_are_heard() -> Iterator[None]:
    """A shell has what it starts in the background ignore Ctrl-C, and `nohup` the end of the terminal: what a test
    starts would inherit that."""
    names = [name for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in (getattr(signal, name) for name in names)}
    for number in before:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def pytest_collection_finish() -> None:
    """Tests and modules stay to the end: the collector of garbage need not go through them again and again; and a net
    that is compiled makes many objects that stay for a while, through which it need not go every 700 of them, nor
    through more at once than a processor's cache holds."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
