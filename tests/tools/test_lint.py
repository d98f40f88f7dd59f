"""Every house rule fires on the smallest text that breaks it, and is silent on the nearest text that does not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools.lint import circles, lint_text


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


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ({"a": "from .b import x\n", "b": "from . import a\n"}, ["imports in a circle: `a`, `b`"]),
        (
            {"a": "from .b import x", "b": "from .c import y", "c": "if TYPE_CHECKING:\n    from .a import z\n"},
            ["imports in a circle: `a`, `b`, `c`"],
        ),
        ({"a": "from .a import x\n"}, ["imports in a circle: `a`"]),
        ({"a": "from .b import x\n", "b": "from ..a import y\n", "c": "from .a import z\nfrom .b import x\n"}, []),
        ({"__init__": "from .a import x\n", "a": "from .c.b import y\n", "b": "from . import a\n"}, []),
    ],
)
def test_circles_of_files_are_found(texts: dict[str, str], found: list[str]) -> None:
    findings = list(circles(Path("gpubp/a"), {name: ast.parse(text) for name, text in texts.items()}))
    assert [one.message.partition(";")[0] for one in findings] == found
    assert {one.rule for one in findings} <= {"circle"}
