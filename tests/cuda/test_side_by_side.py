"""Nets that differ in numbers alone, on a double of a GPU: the tests that a GPU has, too."""

from __future__ import annotations

import pytest

from tests.gpu.test_side_by_side import (  # noqa: F401 - they are this module's tests
    test_a_search_gives_the_trials_alone,
    test_each_is_the_net_alone,
    test_nets_with_each_others_numbers_are_found,
    test_one_that_diverges_leaves_the_others_alone,
)

from .conftest import Use
from .host import needs_host

pytestmark = needs_host


@pytest.fixture(autouse=True)
def gpu(use: Use) -> None:
    """The double is the GPU."""
    use()
