"""Seeds of a net side by side on a double of a GPU: the tests that a GPU has, too."""

from __future__ import annotations

import pytest

from tests.gpu.test_abreast import test_each_seed_is_the_training_alone  # noqa: F401 - it is this module's test

from .conftest import Use
from .host import needs_host

pytestmark = needs_host


@pytest.fixture(autouse=True)
def gpu(use: Use) -> None:
    """The double is the GPU."""
    use()
