"""Valid files of every form of the language, made by chance: what mutations start from, beside the examples."""

from __future__ import annotations

from random import Random

_STAGES = (
    *("relu", "tanh", "sigmoid", "softplus", "flatten", "dropout(20%)", "dense(4)", "dense(n)", "dense(2 * n - 1)"),
    *("dense(3, bias = false)", "deep(3)", "deep(n, m = 1)", "repeat 2 { dense(width) -> relu }", "swish"),
    *("for k in [2, 3] { dense(k) -> tanh }", "for k in 1..2 { deep(k) }", "leaky_relu(0.1)", "dense(4) as {fresh}"),
    *("dense(6) -> reshape([2, 3]) -> flatten", "repeat n { deep(1) }", "swish(beta = 0.5)", "dense(6, init = zeros)"),
)
_FORMULAS = (
    *("{a} + {b}", "{a} - {b} * 2", "-{a}", "{a} * sigmoid({b})", "maximum({a}, {b})", "where({a} > 0, {a}, {b})"),
    *("concat({a}, {b})", "mean({a}) * {b}", "{a} / (1 + abs({b}))", "sum({a}, axis = 0) + {b}", "exp(-{a}^2)"),
    *("if n > 1 then {a} else {b}", "concat([for k in 1..2 { {a} -> dense(k) }])", "slice({a}, 0, 1) + {b}"),
)
_LOSSES = (
    *("mse(p, y)", "mse(p, y) + l2(1e-4)", "binary_cross_entropy(p, y)", "0.5 * mse(p, y) + 0.1 * mean(abs(p))"),
    *("huber(p, y)", "mean((p - y)^2) + l1(0.001)", "half_squared_error(p, y)", "mae(p, y)"),
)
_OPTIMIZERS = ("adam()", "adam(lr = 0.05)", "sgd(lr = rate)", "sgd(lr = 0.1, momentum = 0.9)", "adamw(lr = 1e-3)")
_EXTRAS = ("seed = 3", "batch = 2", "precision = float64", "shuffle = false", "metrics = [mae(p, y)]", "metrics = [h1]")


def generated(chance: Random) -> str:
    """One small experiment, from declarations to training, with its rows written out."""
    fresh = iter(range(100))
    values: list[str] = ["x"]
    body: list[str] = ["  input x: [3]", "  target y: [1]", f"  layer shared = dense({chance.randint(1, 5)}) -> relu"]
    for i in range(chance.randint(2, 6)):
        if i < 2 or chance.random() < 0.6:
            stages = " -> ".join(chance.choice(_STAGES) for _ in range(chance.randint(1, 4)))
            while "{fresh}" in stages:
                stages = stages.replace("{fresh}", f"s{next(fresh)}", 1)
            value = f"{chance.choice(values)} -> {stages} -> dense(3)"
            value = value if i else "x -> dense(3) -> shared -> dense(3)"
        else:
            a, b = chance.choice(values), chance.choice(values)
            value = f"({chance.choice(_FORMULAS).replace('{a}', a).replace('{b}', b)}) -> dense(3)"
        body.append(f"  h{i} = {value}")
        values.append(f"h{i}")
    body.append(f"  output p = {values[-1]} -> dense(1) -> sigmoid")
    rows = range(chance.randint(1, 5))
    number = ("0", "1", "-1", "0.5", "1e-3", "2", "1/2")
    inputs = ", ".join(f"[{', '.join(chance.choice(number) for _ in range(3))}]" for _ in rows)
    targets = ", ".join(f"[{chance.choice('01')}]" for _ in rows)
    train = [f"  loss = {chance.choice(_LOSSES)}", f"  optimizer = {chance.choice(_OPTIMIZERS)}", "  epochs = 2"]
    train += [f"  {line}" for line in chance.sample(_EXTRAS[:5], chance.randint(0, 2))]
    sections = [
        "\n".join(["data {", f"  x = [{inputs}]", f"  y = [{targets}]", "}"]),
        "\n".join(["model {", *body, "}"]),
        "\n".join(["train {", *train, "}"]),
    ]
    chance.shuffle(sections)
    head = [
        f"param width = {chance.randint(1, 9)} in 1..16  # of the hidden layers",
        f"param rate = 0.01{chance.choice(('', ' in log(1e-4, 1e-1)'))}",
        f"let n = {chance.choice(('2', '1 + 1', 'width - width + 2', 'sqrt(4)'))}",
        "fn swish(z, beta = 1) = z * sigmoid(beta * z)",
        "block deep(k, m = 2) on z {\n  inner = z -> dense(k + m) -> tanh\n  return inner -> dense(k)\n}",
    ]
    return "\n".join([*head, *sections]) + "\n"
