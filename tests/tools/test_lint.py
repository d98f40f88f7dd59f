"""Every house rule fires on the smallest text that breaks it, and is silent on the nearest text that does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.lint import lint_text


def rules(path: str, text: str) -> list[str]:
    return [f"{finding.severity}:{finding.rule}" for finding in lint_text(Path(path), text)]


@pytest.mark.parametrize(
    ("path", "text", "rule"),
    [
        ("gpubp/a.py", "\n" * 321, "error:size"),
        ("dsl/net.lark", "\n" * 301, "warning:size"),
        ("gpubp/a.py", "def f():\n    from .ir import Var\n", "error:import"),
        ("gpubp/a.py", "def f():\n    if f:\n        import gpubp.ir\n", "error:import"),
        ("gpubp/a.py", "import cupy\n", "error:late"),
        ("gpubp/a.py", "try:\n    from cupyx.scipy import special\nexcept ImportError:\n    pass\n", "error:late"),
        ("dsl/a.py", "import numpy\n", "error:language"),
        ("dsl/a.py", "def f():\n    import rich\n", "error:language"),
        ("gpubp/executor.py", "from dsl import graph\n", "error:language"),
        ("gpubp/passes/a.py", "if eqn.op.name == 'add': pass\n", "error:op-name"),
        ("gpubp/passes/a.py", "x = eqn.op in (add, mul)\n", "error:op-name"),
        ("gpubp/passes/a.py", "x = 'exp' != op.name\n", "error:op-name"),
        ("gpubp/passes/a.py", "match eqn.op.name:\n    case 'add': pass\n", "error:op-name"),
        ("gpubp/passes/a.py", "x = eqn.op is add\n", "error:op-name"),
        ("gpubp/executor.py", "import os\nx = os.environ.get('X')\n", "error:settings"),
        ("gpubp/data/a.py", "from os import getenv\n", "error:settings"),
        ("gpubp/data/a.py", "from dataclasses import dataclass, field\n", "error:records"),
    ],
)
def test_rule_fires(path: str, text: str, rule: str) -> None:
    assert rules(path, text) == [rule]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("gpubp/a.py", "\n" * 300),
        ("gpubp/a.py", "from .ir import Var\ndef f():\n    import cupy\n    import json\n"),
        ("gpubp/a.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cupy\n"),
        ("dsl/a.py", "import re\nfrom lark import Lark\nfrom .source import Source\nfrom dsl import graph\n"),
        (
            "gpubp/passes/a.py",
            "x = a.op == b.op\ny = eqn.op is None\nz = 'add' in eqn.op.traits\nw = eqn.name == 'x'\n",
        ),
        ("gpubp/errors.py", "from dsl.diagnostics import Diagnostic\n"),
        ("gpubp/frontend/load.py", "import dsl\n"),
        ("gpubp/ops/rewrites.py", "x = eqn.op.name == 'add'\n"),
        ("gpubp/cli/main.py", "import os\nx = os.environ.get('NO_COLOR')\n"),
        ("gpubp/render/a.py", "from dataclasses import field, replace\nfrom dsl.records import dataclass\n"),
        ("tests/test_a.py", "import cupy\ndef f():\n    import gpubp\n"),
    ],
)
def test_rule_is_silent(path: str, text: str) -> None:
    assert rules(path, text) == []
