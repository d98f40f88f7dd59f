"""What a table was measured on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path


def describe(versions: dict[str, str]) -> dict[str, str]:
    """The processor, its cores, the system, and the versions that the peers told."""
    found = {"processor": _processor(), "cores": str(len(os.sched_getaffinity(0)))}
    found |= {"system": f"{platform.system()} {platform.machine()}", "python": platform.python_version()}
    return found | versions | {"date": datetime.now(UTC).strftime("%Y-%m-%d")}


def load() -> str:
    """Processes that wanted to run in the last minute, on average."""
    return f"{os.getloadavg()[0]:.1f}"


def _processor() -> str:
    told = {}
    for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").partition("\n\n")[0].splitlines():
        name, _, value = line.partition(":")
        told[name.strip()] = value.strip()
    wide = "AVX-512" if "avx512f" in told.get("flags", "") else "AVX2" if "avx2" in told.get("flags", "") else ""
    name = told.get("model name", platform.processor())
    numbers = f"family {told['cpu family']} model {told['model']}" if "cpu family" in told else ""
    return ", ".join(part for part in (name, numbers, wide) if part)
