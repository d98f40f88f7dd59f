"""What holds for every test: warnings are errors (pyproject.toml), NumPy's error state is left alone."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Two cores shared with other work make single examples slow now and then: time is no criterion.
settings.register_profile("default", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))
