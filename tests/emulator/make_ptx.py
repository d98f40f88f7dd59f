"""Compiles the CUDA texts in `snippets/` to the PTX beside them by NVRTC 12.9: `python -m tests.emulator.make_ptx`."""

from __future__ import annotations

from pathlib import Path

from .kernels import OURS, compiled

FOLDER = Path(__file__).with_name("snippets")


def main() -> None:
    for path in sorted(FOLDER.glob("*.cu")):
        path.with_suffix(".ptx").write_text(compiled(path.read_text("utf-8"), *OURS), "utf-8")


if __name__ == "__main__":
    main()
