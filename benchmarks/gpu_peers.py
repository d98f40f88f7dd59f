"""The nets of benchmarks.gpu in PyTorch and JAX, as their users write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def torch_way(case: Any, data: Mapping[str, Any], device: str, *, compiled: bool) -> Callable[[int], None]:
    """PyTorch, eager or compiled with CUDA graphs."""
    import torch
    from torch import nn

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    place = torch.device("cuda" if device == "gpu" else "cpu")
    layers: list[Any] = []
    channels = 1
    for n in case.filters:
        layers += [nn.Conv2d(channels, n, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels = n
    layers += [nn.Flatten()] if case.filters else []
    for n, m in zip(case.sizes, case.sizes[1:], strict=False):
        layers += [nn.Linear(n, m), nn.Tanh() if case.activation == "tanh" else nn.ReLU()]
    model = nn.Sequential(*layers[:-1]).to(place)
    x, y = (torch.as_tensor(data[name], device=place) for name in ("x", "y"))
    if case.filters:
        x = x.permute(0, 3, 1, 2).contiguous()
    loss_of = nn.CrossEntropyLoss() if case.classes else nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, capturable=device == "gpu", fused=device == "gpu")

    def forward(x: Any, y: Any) -> Any:
        return loss_of(model(x), y)

    loss_and_graph = torch.compile(forward, mode="reduce-overhead") if compiled else forward
    update = torch.compile(optimizer.step) if compiled else optimizer.step

    def run(steps: int) -> None:
        for _ in range(steps):
            loss_and_graph(x, y).backward()
            update()
            optimizer.zero_grad(set_to_none=True)
        if device == "gpu":
            torch.cuda.synchronize()

    return run


def jax_way(case: Any, data: Mapping[str, Any], device: str) -> Callable[[int], None]:
    """JAX: the step under `jit`, its buffers donated."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_default_matmul_precision", "highest")
    keys = iter(jax.random.split(jax.random.PRNGKey(0), 32))
    shapes, channels = [], 1
    for n in case.filters:
        shapes += [(3, 3, channels, n), (n,)]
        channels = n
    for n, m in zip(case.sizes, case.sizes[1:], strict=False):
        shapes += [(n, m), (m,)]
    weights = [jax.random.normal(next(keys), s) * 0.05 if len(s) > 1 else jnp.zeros(s) for s in shapes]
    x, y = (jnp.asarray(data[name]) for name in ("x", "y"))

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
        w = jax.tree.map(lambda w, m, v: w - 1e-3 * (m / c) / (jnp.sqrt(v / d) + 1e-8), w, m, v)
        return (t + 1, w, m, v), loss

    jitted = jax.jit(step, donate_argnums=0)
    zeros = [jnp.zeros_like(w) for w in weights]
    state = [(jnp.float32(0), weights, zeros, [jnp.zeros_like(w) for w in weights])]

    def run(steps: int) -> None:
        for _ in range(steps):
            state[0], loss = jitted(state[0], x, y)
        loss.block_until_ready()

    return run


PEERS: dict[str, Callable[[Any, Mapping[str, Any], str], Callable[[int], None]]] = {
    "torch eager": lambda case, data, device: torch_way(case, data, device, compiled=False),
    "torch compiled": lambda case, data, device: torch_way(case, data, device, compiled=True),
    "JAX": jax_way,
}
