"""Levenberg-Marquardt beside the certified fits of the NIST Statistical Reference Datasets for nonlinear regression.

Data, starting points and certified values: National Institute of Standards and Technology,
https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml. Each problem has two starting points, the first one farther.
"""

from __future__ import annotations

import numpy as np
import pytest

from .nets import Array, executor

MISRA = [
    (77.6, 10.07), (114.9, 14.73), (141.1, 17.94), (190.8, 23.93), (239.9, 29.61), (289.0, 35.18), (332.8, 40.02),
    (378.4, 44.82), (434.8, 50.76), (477.3, 55.05), (536.8, 61.01), (593.1, 66.40), (689.1, 75.47), (760.0, 81.78),
]  # fmt: skip
THURBER = [
    (-3.067, 80.574), (-2.981, 84.248), (-2.921, 87.264), (-2.912, 87.195), (-2.840, 89.076), (-2.797, 89.608),
    (-2.702, 89.868), (-2.699, 90.101), (-2.633, 92.405), (-2.481, 95.854), (-2.363, 100.696), (-2.322, 101.060),
    (-1.501, 401.672), (-1.460, 390.724), (-1.274, 567.534), (-1.212, 635.316), (-1.100, 733.054), (-1.046, 759.087),
    (-0.915, 894.206), (-0.714, 990.785), (-0.566, 1090.109), (-0.545, 1080.914), (-0.400, 1122.643),
    (-0.309, 1178.351), (-0.109, 1260.531), (-0.103, 1273.514), (0.010, 1288.339), (0.119, 1327.543), (0.377, 1353.863),
    (0.790, 1414.509), (0.963, 1425.208), (1.006, 1421.384), (1.115, 1442.962), (1.572, 1464.350), (1.841, 1468.705),
    (2.047, 1447.894), (2.200, 1457.628),
]  # fmt: skip
MGH09 = [
    (4.0, 0.1957), (2.0, 0.1947), (1.0, 0.1735), (0.5, 0.16), (0.25, 0.0844), (0.167, 0.0627), (0.125, 0.0456),
    (0.1, 0.0342), (0.0833, 0.0323), (0.0714, 0.0235), (0.0625, 0.0246),
]  # fmt: skip

# name: rows, formula, starting points, certified parameters, certified residual sum of squares
PROBLEMS = {
    "Misra1a": (
        MISRA,
        "b1 * (1 - exp(-b2 * x))",
        [[500, 1e-4], [250, 5e-4]],
        [2.3894212918e02, 5.5015643181e-04],
        1.2455138894e-01,
    ),
    "Thurber": (
        THURBER,
        "(b1 + b2 * x + b3 * x^2 + b4 * x^3) / (1 + b5 * x + b6 * x^2 + b7 * x^3)",
        [[1000, 1000, 400, 40, 0.7, 0.3, 0.03], [1300, 1500, 500, 75, 1, 0.4, 0.05]],
        [
            1.2881396800e03,
            1.4910792535e03,
            5.8323836877e02,
            7.5416644291e01,
            9.6629502864e-01,
            3.9797285797e-01,
            4.9727297349e-02,
        ],
        5.6427082397e03,
    ),
    "MGH09": (
        MGH09,
        "b1 * (x^2 + b2 * x) / (x^2 + b3 * x + b4)",
        [[25, 39, 41.5, 39], [0.25, 0.39, 0.415, 0.39]],
        [1.9280693458e-01, 1.9128232873e-01, 1.2305650693e-01, 1.3606233068e-01],
        3.0750560385e-04,
    ),
}


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_certified_fit_is_found(name: str, start: int) -> None:
    """The loss to nine digits, the parameters to six: where the loss is lowest, a change of 1e-8 changes it by its
    rounding error alone. In 200 updates."""
    rows, formula, starts, certified, squares = PROBLEMS[name]
    weights = "\n".join(f"b{k} = weight([1], init = constant({b}))" for k, b in enumerate(starts[start], 1))
    model = f"input x: [1]\ntarget y: [1]\n{weights}\noutput p = {formula}"
    ex = executor(model, "(p - y)^2", "float64", "levenberg_marquardt(tolerance = 0)")
    data = {"x": np.array(rows)[:, :1], "y": np.array(rows)[:, 1:]}
    ex.train_steps(data, 200, len(rows))
    found: Array = np.array([ex.parameters[f"b{k}.weight"].item() for k in range(1, len(certified) + 1)])
    np.testing.assert_allclose(found, certified, rtol=1e-6)
    loss, _ = ex.gradients(data)
    np.testing.assert_allclose(loss * len(rows), squares, rtol=1e-9)
