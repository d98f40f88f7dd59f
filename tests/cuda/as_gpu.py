"""A plugin that makes the processor a GPU, so that tests/gpu can be tried where there is none:
`python -m pytest -p tests.cuda.as_gpu tests/gpu/test_compiled.py`. docs/gpu.md tells what that shows."""

from __future__ import annotations

import sys
from typing import Any

from gpubp import backends
from tests.stand_in.fake_cupy import cupy
from tools import find_gpu

from .double import HostBackend, HostDevice

sys.modules["cupy"] = cupy
find_gpu.count_gpus = lambda: (1, "")
HostBackend.device = HostDevice()
made: Any = backends
made.CupyBackend = HostBackend
