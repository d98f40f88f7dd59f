"""A self-test of compiled GPU kernels against CuPy's own."""

from __future__ import annotations

from ..errors import GpubpError
from ..frontend import loads
from .executor import Executor

STEPS, BATCH = 18, 64
WIDTHS = (8, 768)
"""A net trained by a single block, and one whose steps are a CUDA graph with library products."""
NEAR = 1e-3
"""Tolerance of the loss after these steps, for float32 rounding."""
_NET = """
model {
  input  x: [16]
  target y: [4]
  hidden   = x -> dense(WIDTH) -> tanh -> dense(WIDTH) -> relu
  output p = hidden -> dense(4)
}
train {
  loss      = mse(p, y)
  optimizer = adam(lr = 0.001)
}
"""


def compare_kernels(place: str) -> str:
    """Train two nets on `gpu:N` with compiled kernels and with CuPy's only, and return what was compared. Raises
    GpubpError if nothing can be compiled, the GPU fails, or the losses differ."""
    import numpy as np

    rng = np.random.default_rng(0)
    rows = {"x": rng.uniform(-1, 1, (2 * BATCH, 16)), "y": rng.uniform(-1, 1, (2 * BATCH, 4))}
    for width in WIDTHS:
        net = loads(_NET.replace("WIDTH", str(width)))
        compiled, alone = (Executor(net, place, "float32", 0, backend=backend) for backend in ("auto", "cupy"))
        ours, wanted = (ex.backend.to_host(ex.train_steps(rows, STEPS, BATCH)) for ex in (compiled, alone))
        if not compiled.backend.compiles:
            raise GpubpError(f"no kernels are compiled: {compiled.backend.description}")
        if not np.allclose(ours, wanted, rtol=NEAR, atol=0):
            both = f"{ours[-1]:.6g}, and by CuPy {wanted[-1]:.6g}"
            raise GpubpError(f"after {STEPS} steps of a net {width} wide the loss is {both}")
    return f"{STEPS} steps of two nets by compiled kernels, with the losses of CuPy's own"
