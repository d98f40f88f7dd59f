"""Makes sequences.npz with PyTorch: `python -m tests.peers.make_sequences`. The tests need no PyTorch.

The classifier of padded sequences of docs/from-pytorch.md, in float64: its first weights, some batches, the losses of a
step on each, and what the net then answers to the first batch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.peers.make_translated import MADE_WITH, ROOT
from tools.markdown import blocks

STEPS, ROWS, LONGEST, WORDS, CLASSES = 8, 16, 12, 20, 3


def main() -> None:
    assert torch.__version__.startswith(MADE_WITH)
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    page: dict[str, Any] = {"torch": torch, "nn": torch.nn}
    (text,) = [b.text for b in blocks((ROOT / "docs/from-pytorch.md").read_text("utf-8")) if b.detail == "sequences"]
    exec(text, page)
    net = page["net"]
    weights = {f"weights/{name.replace('.', '/')}": value.numpy().copy() for name, value in net.state_dict().items()}
    rng = np.random.default_rng(0)
    length = rng.integers(1, LONGEST + 1, (STEPS, ROWS))
    token = np.where(np.arange(LONGEST) < length[..., None], rng.integers(1, WORDS, (STEPS, ROWS, LONGEST)), 0)
    label = rng.integers(0, CLASSES, (STEPS, ROWS))
    batches = zip(*map(torch.tensor, (token, length, label)), strict=True)
    losses = [page["train_step"](*one) for one in batches]
    answers = torch.softmax(net(torch.tensor(token[0]), torch.tensor(length[0])), 1).numpy(force=True)
    shown = {"token": token, "length": length, "label": label, "losses": losses, "answers": answers}
    np.savez_compressed(Path(__file__).parent / "sequences.npz", **weights, **shown)


if __name__ == "__main__":
    main()
