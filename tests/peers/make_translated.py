"""Makes translated.npz with PyTorch: `python -m tests.peers.make_translated`. The tests need no PyTorch.

The net of docs/from-pytorch.md in PyTorch, in float64: its first weights, some batches, the losses of a step on each,
and what the net then answers to the first batch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from tools.markdown import blocks

ROOT = Path(__file__).resolve().parents[2]
MADE_WITH = "2.13.0"
STEPS, ROWS = 5, 16


def main() -> None:
    assert torch.__version__.startswith(MADE_WITH)
    torch.manual_seed(0)
    page: dict[str, Any] = {}
    (text,) = [b.text for b in blocks((ROOT / "docs/from-pytorch.md").read_text("utf-8")) if b.detail == "torch"]
    exec(text, page)
    net = page["net"]
    first = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    net.double()
    rng = np.random.default_rng(0)
    images, digits = rng.random((STEPS, ROWS, 8, 8, 1), "float32"), rng.integers(0, 10, (STEPS, ROWS))
    theirs = torch.tensor(images.transpose(0, 1, 4, 2, 3), dtype=torch.float64)
    losses = [page["train_step"](*one) for one in zip(theirs, torch.tensor(digits), strict=True)]
    answers = torch.softmax(net.eval()(theirs[0]), 1).numpy(force=True)
    weights = {f"weights/{name}": value for name, value in first.items()}
    shown = {"images": images, "digits": digits, "losses": losses, "answers": answers}
    np.savez_compressed(Path(__file__).parent / "translated.npz", **weights, **shown)


if __name__ == "__main__":
    main()
