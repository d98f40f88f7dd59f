"""PyTorch on the CPU: eager, compiled, and compiled with the whole step as one graph.

`eager`: a module, `backward`, Adam over all parameters at once (foreach); `eager, fused Adam`: its one-kernel form;
`compiled`: the module through torch.compile, fused Adam; `one graph`: loss, gradients and Adam's update traced together
by torch.func, so that a step is one call, `one graph, C++ wrapper` with the calls between kernels compiled too;
`autotuned`: products by the template that measures best. `channels last`: the other layout of images.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad

from ..suite import Case
from .base import Materials, Prepared, first_weights, xor_rows, xor_weights
from .torch_nets import Dense, images, loss_of, net_of


def versions() -> dict[str, str]:
    return {
        "torch": torch.__version__,
        "torch blas": "mkl" if torch.backends.mkl.is_available() else "other",
        "torch mkldnn": str(torch.backends.mkldnn.is_available()),
    }


def ways(case: Case) -> list[str]:
    if case.kind == "process":
        return ["eager", "eager, fused Adam"]
    if case.kind == "predict":
        return ["eager", "compiled", "compiled, C++ wrapper"]
    found = ["eager", "eager, fused Adam", "compiled"]
    if case.family != "lstm":  # torch.func has no rule for the fused LSTM
        found += ["one graph", "one graph, C++ wrapper"]
    if case.family == "cnn":
        found += [f"{way}, channels last" for way in ("eager, fused Adam", "compiled", "one graph, C++ wrapper")]
    if case.family in ("mlp", "transformer") and case.kind == "train" and case.rows > 4:
        found += ["one graph, autotuned"]
    return found


def prepare(case: Case, way: str, materials: Materials, ordered: bool) -> Prepared:
    last = "channels last" in way
    net = net_of(case, first_weights(materials), last)
    x, y = images(case, materials["x"], last), torch.tensor(materials["y"])
    if case.kind == "predict":
        return _Predict(net, x, way)
    step = (_one_graph if "one graph" in way else _module)(case, net, way)
    return _Epochs(step, x, y, case.rows, ordered) if case.kind == "epoch" else _Train(step, x, y)


def options(way: str) -> dict[str, Any]:
    """Of torch.compile."""
    if "C++ wrapper" in way:
        return {"options": {"cpp_wrapper": True}}
    return {"options": {"max_autotune": True, "cpp_wrapper": True}} if "autotuned" in way else {}


Step = Callable[[Tensor, Tensor], Tensor]


def _module(case: Case, net: nn.Module, way: str) -> Step:
    trained = [p for p in net.parameters() if p.requires_grad]
    fused = {} if way == "eager" else {"fused": True}
    optimizer = torch.optim.Adam(trained, lr=case.rate, **fused)

    def loss(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return loss_of(case, net(x), y)

    run = torch.compile(loss, dynamic=False, **options(way)) if "compiled" in way else loss

    def step(x: Tensor, y: Tensor) -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        total, each = run(x, y)
        total.backward()
        optimizer.step()
        return each.detach()

    return step


def _one_graph(case: Case, net: nn.Module, way: str) -> Step:
    names = [name for name, _ in net.named_parameters()]
    parameters = [p.detach() for p in net.parameters()]
    first, second = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
    powers = torch.ones(2, dtype=torch.float64)  # of the two decays
    decays = torch.tensor([0.9, 0.999], dtype=torch.float64)

    def loss(values: list[Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return loss_of(case, functional_call(net, dict(zip(names, values)), (x,)), y)

    def step(
        parameters: list[Tensor], first: list[Tensor], second: list[Tensor], powers: Tensor, x: Tensor, y: Tensor
    ) -> Tensor:
        gradients, each = grad(loss, has_aux=True)(parameters, x, y)
        powers.mul_(decays)
        left = 1.0 - powers
        rate, root = (case.rate / left[0]).float(), left[1].sqrt().float()
        for p, g, m, v in zip(parameters, gradients, first, second):
            m.lerp_(g, 0.1)
            v.mul_(0.999).addcmul_(g, g, value=0.001)
            p.sub_(rate * m / (v.sqrt() / root + 1e-8))
        return each

    compiled = torch.compile(step, dynamic=False, fullgraph=True, **options(way))

    def run(x: Tensor, y: Tensor) -> Tensor:
        with torch.no_grad():
            return compiled(parameters, first, second, powers, x, y)

    return run


class _Train(Prepared):
    def __init__(self, step: Step, x: Tensor, y: Tensor) -> None:
        self.step, self.x, self.y = step, x, y

    def steps(self, count: int) -> Any:
        return torch.stack([self.step(self.x, self.y) for _ in range(count)]).numpy()


class _Epochs(Prepared):
    """The rows are mixed by a permutation and gathered a batch at a time: several times faster than a DataLoader."""

    def __init__(self, step: Step, x: Tensor, y: Tensor, batch: int, ordered: bool) -> None:
        self.step, self.x, self.y, self.batch, self.ordered = step, x, y, batch, ordered
        self.chunk = -(-len(x) // batch)

    def steps(self, count: int) -> Any:
        losses: list[Tensor] = []
        while len(losses) < count:
            order = torch.arange(len(self.x)) if self.ordered else torch.randperm(len(self.x))
            for rows in order.split(self.batch)[: count - len(losses)]:
                losses.append(self.step(self.x[rows], self.y[rows]))
        return torch.stack(losses).numpy()


class _Predict(Prepared):
    def __init__(self, net: nn.Module, x: Tensor, way: str) -> None:
        def probabilities(x: Tensor) -> Tensor:
            return torch.softmax(net(x), -1)

        self.run = probabilities if way == "eager" else torch.compile(probabilities, dynamic=False, **options(way))
        self.x = x

    def steps(self, count: int) -> Any:
        with torch.inference_mode():
            for _ in range(count):
                out = self.run(self.x)
        return out.numpy()


def train_xor(way: str) -> None:
    x, y = (torch.tensor(a) for a in xor_rows())
    net = Dense(xor_weights(), "tanh")
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05, fused="fused" in way)
    for _ in range(500):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(net(x), y)
        loss.backward()
        optimizer.step()
    print(loss.item())
