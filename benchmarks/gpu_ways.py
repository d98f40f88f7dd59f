"""The nets of benchmarks.gpu in gpubp, PyTorch and JAX, as their users write them, all from the same weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import gpubp

from .gpu_cases import RATE, Case, text
from .peers.base import Materials, first_weights


@dataclass(frozen=True)
class Way:
    """`step` does a step and gives its loss; `run` does so many, or a few more, waits for their end and gives how many
    it did."""

    step: Callable[[], float]
    run: Callable[[int], int]


def gpubp_way(case: Case, given: Materials, device: str) -> Way:
    """Many steps a call, on rows that lie on the GPU."""
    ex = gpubp.Executor(gpubp.loads(text(case)), device, case.precision)
    ex.set_parameters(dict(zip(ex.parameters, first_weights(given), strict=True)))
    placed = ex.place({"x": given["x"], "y": given["y"]})

    def run(steps: int) -> int:
        return len(ex.backend.to_host(ex.run_steps(placed, steps, case.batch)[0]))

    return Way(lambda: float(ex.run_steps(placed, 1, case.batch)[0][0]), run)


def torch_way(case: Case, given: Materials, device: str, *, compiled: str = "", captured: bool = False) -> Way:
    """PyTorch: eager; with loss and gradients `compiled` (a mode of torch.compile) and the update too; with the whole
    step `captured` as one CUDA graph."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = case.precision == "tf32"
    place, gpu = torch.device("cuda" if device == "gpu" else "cpu"), device == "gpu"
    model = torch_net(case, given).to(place)
    x, y = (torch.as_tensor(given[name], device=place) for name in ("x", "y"))
    if case.filters:
        x = x.permute(0, 3, 1, 2).contiguous()
    loss_of = torch.nn.CrossEntropyLoss() if case.classes else torch.nn.BCEWithLogitsLoss()
    # What is compiled is the form of many small operations, which become few kernels.
    whole = bool(compiled) and not captured
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, capturable=gpu, fused=gpu and not whole)

    def forward(x: Any, y: Any) -> Any:
        return loss_of(model(x), y)

    # Shapes that differ from those of the net before would make the code one for any shape.
    torch.compiler.reset()
    loss_and_graph = torch.compile(forward, mode=compiled, dynamic=False) if compiled else forward
    update = torch.compile(optimizer.step, dynamic=False) if whole else optimizer.step

    def step() -> Any:
        optimizer.zero_grad(set_to_none=True)
        loss = loss_and_graph(x, y)
        loss.backward()
        update()
        return loss

    once = _captured(step, model, optimizer) if captured and gpu else step

    def run(steps: int) -> int:
        for _ in range(steps):
            once()
        if gpu:
            torch.cuda.synchronize()
        return steps

    return Way(lambda: float(once().detach()), run)


def _captured(step: Callable[[], Any], model: Any, optimizer: Any) -> Callable[[], Any]:
    """A step as one CUDA graph. What the steps before the capture change is put back, in place."""
    import torch

    before = [p.detach().clone() for p in model.parameters()]
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step()
    with torch.no_grad():
        for p, values in zip(model.parameters(), before, strict=True):
            p.copy_(values)
        for state in optimizer.state.values():
            for values in state.values():
                values.zero_()

    def replay() -> Any:
        graph.replay()
        return loss

    return replay


def torch_net(case: Case, given: Materials) -> Any:
    """The net with its first weights. PyTorch keeps filters as [out, in, h, w], weights as [out, in], and flattens an
    image by channel, row, column."""
    import torch
    from torch import nn

    weights = [torch.tensor(w) for w in first_weights(given)]
    layers: list[Any] = []
    for _ in case.filters:
        kernel, bias, *weights = weights
        layers += [nn.Conv2d(kernel.shape[2], kernel.shape[3], 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        layers[-3].weight.data, layers[-3].bias.data = kernel.permute(3, 2, 0, 1).contiguous(), bias
    if case.filters:
        layers.append(nn.Flatten())
        side, channels = case.pooled, case.filters[-1]
        weights[0] = weights[0].reshape(side, side, channels, -1).permute(2, 0, 1, 3).reshape(weights[0].shape)
    while weights:
        kernel, bias, *weights = weights
        layers += [nn.Linear(*kernel.shape), nn.Tanh() if case.activation == "tanh" else nn.ReLU()]
        layers[-2].weight.data, layers[-2].bias.data = kernel.T.contiguous(), bias
    return nn.Sequential(*layers[:-1])


SCANNED = 3e9
"""About how many multiplications of weights with rows a call of `JAX scan` does."""


def jax_way(case: Case, given: Materials, device: str, *, scanned: bool = False) -> Way:
    """JAX: the step under `jit`, its buffers donated; `scanned`: 2 to 100 steps a call, by lax.scan."""
    import jax
    import jax.numpy as jnp

    if device == "gpu" and jax.default_backend() != "gpu":
        raise RuntimeError(f"JAX sees no GPU, only {jax.default_backend()}")
    jax.config.update("jax_default_matmul_precision", "tensorfloat32" if case.precision == "tf32" else "highest")
    x, y = (jnp.asarray(given[name]) for name in ("x", "y"))

    def loss_of(weights: Any, x: Any, y: Any) -> Any:
        left = list(weights)
        for _ in case.filters:
            kernel, bias, *left = left
            x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = jax.lax.reduce_window(jax.nn.relu(x + bias), -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        x = x.reshape(len(x), -1)
        while left:
            kernel, bias, *left = left
            x = x @ kernel + bias
            if left:
                x = jnp.tanh(x) if case.activation == "tanh" else jax.nn.relu(x)
        if case.classes:
            return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1).mean()
        return (jax.nn.softplus(x) - x * y).mean()

    def step(state: Any, x: Any, y: Any) -> Any:
        t, w, m, v = state
        loss, g = jax.value_and_grad(loss_of)(w, x, y)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        c, d = 1 - 0.9 ** (t + 1), 1 - 0.999 ** (t + 1)
        w = jax.tree.map(lambda w, m, v: w - RATE * (m / c) / (jnp.sqrt(v / d) + 1e-8), w, m, v)
        return (t + 1, w, m, v), loss

    jitted = jax.jit(step, donate_argnums=0)
    weights = [jnp.array(w) for w in first_weights(given)]
    zeros: Callable[[], Any] = lambda: [jnp.zeros_like(w) for w in weights]  # noqa: E731 - each of its own: donated
    state = [(jnp.float32(0), weights, zeros(), zeros())]

    def once() -> Any:
        state[0], loss = jitted(state[0], x, y)
        return loss

    chunk = int(min(max(SCANNED / (sum(w.size for w in weights) * case.batch), 2), 100)) if scanned else 1

    def many(state: Any, x: Any, y: Any) -> Any:
        state, losses = jax.lax.scan(lambda state, _: step(state, x, y), state, length=chunk)
        return state, losses[-1]

    call = jax.jit(many, donate_argnums=0) if scanned else jitted

    def run(steps: int) -> int:
        calls = -(-steps // chunk)
        for _ in range(calls):
            state[0], loss = call(state[0], x, y)
        loss.block_until_ready()
        return calls * chunk

    return Way(lambda: float(once()), run)


WAYS: dict[str, Callable[[Case, Materials, str], Way]] = {
    "gpubp": gpubp_way,
    "torch eager": torch_way,
    "torch compiled": partial(torch_way, compiled="reduce-overhead"),
    "torch one graph": partial(torch_way, compiled="default", captured=True),
    "JAX": jax_way,
    "JAX scan": partial(jax_way, scanned=True),
}
"""`torch compiled`: with CUDA graphs, as torch.compile makes them; `torch one graph`: compiled, and the whole step
captured by hand; `JAX scan`: many steps a call."""
