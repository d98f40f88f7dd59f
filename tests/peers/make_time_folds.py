"""Writes time_folds.json: what scikit-learn's TimeSeriesSplit makes of windows in their order.

python -m tests.peers.make_time_folds      # needs scikit-learn
"""

from __future__ import annotations

import json
from pathlib import Path

CASES = [(12, 3, 0), (13, 3, 0), (100, 5, 4), (101, 4, 7), (7, 6, 0), (59, 2, 18), (1000, 9, 23)]
"""Windows, folds, and how many windows before a fold are left out."""
FILE = Path(__file__).with_suffix("").parent / "time_folds.json"


def main() -> None:
    """For each case, of each fold how many windows it learns from, and the first and last that it is judged on."""
    from sklearn.model_selection import TimeSeriesSplit

    found = []
    for count, folds, gap in CASES:
        cut = TimeSeriesSplit(n_splits=folds, gap=gap).split(range(count))
        found.append([count, folds, gap, [[len(train), int(test[0]), int(test[-1])] for train, test in cut]])
    FILE.write_text("[\n" + ",\n".join(json.dumps(case) for case in found) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
