"""Asks the NVIDIA driver for GPUs, with the standard library alone. Exit code 0: there is one; 2: there is none."""

from __future__ import annotations

import ctypes
import sys


def count_gpus() -> tuple[int, str]:
    """Returns the number of GPUs and, where there is none, the reason."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0, "no NVIDIA driver is installed (libcuda.so.1 not found)"
    status, count = driver.cuInit(0), ctypes.c_int(0)
    if status not in (0, 100):  # CUDA_ERROR_NO_DEVICE
        return 0, f"the NVIDIA driver does not start (cuInit gives {status})"
    if not status and (status := driver.cuDeviceGetCount(ctypes.byref(count))):
        return 0, f"the NVIDIA driver does not answer (cuDeviceGetCount gives {status})"
    return count.value, "" if count.value else "the NVIDIA driver sees no GPU (CUDA_VISIBLE_DEVICES can hide it)"


def main() -> int:
    count, reason = count_gpus()
    if not count:
        print(f"no GPU here: {reason}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
