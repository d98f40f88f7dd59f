"""Writes cupy_names.json: the public names and signatures of the installed CuPy. No GPU and no driver is needed.

    python -m venv /tmp/cupy && /tmp/cupy/bin/pip install 'cupy-cuda12x==14.*'
    /tmp/cupy/bin/python tests/stand_in/make_names.py

Facts about an interface are recorded (names, parameters, type characters of loops), no code and no text of CuPy.
A parameter with a default is written `name=`; `/`, `*`, `*args` and `**kwargs` are what they are in Python. Where a
compiled function does not tell its parameters, the first line of its docstring does; where neither does, there is null.
"""

from __future__ import annotations

import ast
import inspect
import json
import types
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


def written(parameter: inspect.Parameter) -> str:
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return f"*{parameter.name}"
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        return f"**{parameter.name}"
    return parameter.name if parameter.default is inspect.Parameter.empty else f"{parameter.name}="


def parameters(function: Any) -> list[str] | None:
    """The parameters of a function, `self` left out, or None where they cannot be known."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return documented(function)
    result: list[str] = []
    kinds = [p.kind for p in signature.parameters.values()]
    for index, parameter in enumerate(signature.parameters.values()):
        first_keyword = parameter.kind is inspect.Parameter.KEYWORD_ONLY and kinds.index(parameter.kind) == index
        if first_keyword and inspect.Parameter.VAR_POSITIONAL not in kinds:
            result.append("*")
        if parameter.name != "self":
            result.append(written(parameter))
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY and kinds.count(parameter.kind) == index + 1:
            result.append("/")
    return result


def documented(function: Any) -> list[str] | None:
    """The parameters by the docstring's first line: `_ndarray_base.item(self)`."""
    head = (function.__doc__ or "").partition("\n")[0]
    body = head[head.find("(") :].partition(" ->")[0] if "(" in head else ""
    try:
        tree = ast.parse(f"def f{untyped(body)}: ...").body[0]
    except SyntaxError:
        return None
    if not isinstance(tree, ast.FunctionDef) or not body:
        return None
    names = [a.arg for a in tree.args.args]
    optional = len(tree.args.defaults)
    result = [n if i < len(names) - optional else f"{n}=" for i, n in enumerate(names) if n != "self"]
    if tree.args.vararg:
        result.append(f"*{tree.args.vararg.arg}")
    return result + [f"{a.arg}=" for a in tree.args.kwonlyargs]


def untyped(body: str) -> str:
    """C types before the names of a Cython signature are dropped: `(self, int axis=-1)` -> `(self, axis=-1)`."""
    return "(" + ",".join(part.split()[-1] if part.split() else "" for part in body.strip("()").split(",")) + ")"


def ufunc(function: Any) -> dict[str, Any]:
    return {
        "nin": function.nin,
        "nout": function.nout,
        "casting": function._default_casting,
        "scatter": function._scatter_op,
        "loops": " ".join(function.types),
    }


def collect(cupy: Any, numpy: Any) -> dict[str, Any]:
    """Sorts every public name of the module `cupy` by what it is."""
    found: dict[str, dict[str, Any]] = {"ufuncs": {}, "functions": {}, "classes": {}, "constants": {}, "modules": {}}
    for name in sorted(n for n in dir(cupy) if not n.startswith("_") and n != "annotations"):
        value = getattr(cupy, name)
        if isinstance(value, cupy.ufunc):
            found["ufuncs"][name] = ufunc(value)
        elif isinstance(value, types.ModuleType) or type(value).__name__ == "_LazyModule":
            found["modules"][name] = sorted(n for n in dir(value) if not n.startswith("_") and n != "annotations")
        elif value is None or isinstance(value, int | float):
            found["constants"][name] = repr(value)
        elif isinstance(value, type):
            found["classes"][name] = "numpy" if getattr(numpy, name, None) is value else parameters(value)
        elif callable(value):
            found["functions"][name] = parameters(value)
        else:
            found["constants"][name] = type(value).__name__
    return found


def main() -> None:
    import cupy
    import numpy
    from cupy._core import _routines_math
    from cupy._sorting import search

    methods = {n: getattr(cupy.ndarray, n) for n in dir(cupy.ndarray) if not n.startswith("_")}
    found = collect(cupy, numpy)
    found["ufuncs"] |= {"_where": ufunc(search._where_ufunc), "_clip": ufunc(_routines_math.clip)}
    found["methods"] = {n: parameters(m) for n, m in methods.items() if callable(m)}
    found["attributes"] = {n: None for n, m in methods.items() if not callable(m)}
    found["special"] = {n: None for n in dir(cupy.ndarray) if n.startswith("__")}
    about = f"public names and signatures of cupy {cupy.__version__} (MIT licence), seen with numpy {numpy.__version__}"
    lines = [f'{{"about": {json.dumps(about)}, "cupy": {json.dumps(cupy.__version__)}']
    for section, entries in found.items():
        rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in sorted(entries.items()))
        lines.append(f',\n"{section}": {{\n{rows}\n}}')
    (FOLDER / "cupy_names.json").write_text("".join(lines) + "}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
