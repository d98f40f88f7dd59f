"""House rules that no ready-made linter knows. Prints one line per finding; exit code 1 where there is an error.

size      no file over 320 lines (a warning above 300): it is two rooms
import    no import of the project's own modules inside a function or class
late      cupy and plotting are imported where they are used, never at the top of a module
language  `dsl` imports the standard library, lark and itself, nothing else
circle    the files of a folder import each other in one direction, for types too
records   data classes are made by `dsl.records`, which takes a tenth of the time
op-name   outside `ops/`, no op is told from another by its name or identity: passes ask for traits
settings  environment variables are read in `cli/` alone
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("dsl", "gpubp", "tests", "tools", "benchmarks")
OWN = frozenset({"dsl", "gpubp"})
LANGUAGE_USERS = frozenset({"errors", "data", "frontend", "editor", "cli", "pygments_lexer"})
LATE = frozenset({"cupy", "cupyx", "matplotlib", "scipy", "pandas", "onnx", "onnxruntime"})
WARN_LINES, MAX_LINES = 300, 320


@dataclass(frozen=True, slots=True)
class Finding:
    path: Path
    line: int
    rule: str
    message: str
    severity: str = "error"

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.severity}[{self.rule}]: {self.message}"


def imported(node: ast.AST) -> list[str]:
    """Names the top-level packages that an import statement reads; a relative import is `.`; other nodes give none."""
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return ["." if node.level else (node.module or "").partition(".")[0]]
    return []


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def walk(node: ast.AST, inside: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Yields every node below `node` and whether it stands in a function or class; skips `if TYPE_CHECKING:`."""
    for child in ast.iter_child_nodes(node):
        yield child, inside
        if is_type_checking(child):
            continue
        opens = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef)
        yield from walk(child, inside or opens)


def is_op(node: ast.AST) -> bool:
    """Whether the expression is an equation's op (`eqn.op`), or its name (`eqn.op.name`, `op.name`)."""
    if not isinstance(node, ast.Attribute):
        return False
    if node.attr == "op":
        return True
    owner = node.value
    return node.attr == "name" and (is_op(owner) or (isinstance(owner, ast.Name) and owner.id == "op"))


def tells_ops_apart(node: ast.AST) -> bool:
    """Whether the node compares an op, or its name, with anything but another op or None."""
    if isinstance(node, ast.Match):
        return is_op(node.subject)
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    others = [side for side in sides if not is_op(side)]
    return len(others) < len(sides) and any(not (isinstance(o, ast.Constant) and o.value is None) for o in others)


def reads_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "os" and any(alias.name in ("environ", "getenv") for alias in node.names)
    return isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv")


def makes_slow_records(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "dataclasses"
        and any(alias.name == "dataclass" for alias in node.names)
    )


def lint_tree(path: Path, tree: ast.Module) -> Iterator[Finding]:
    """Yields what one module, whose path is relative to the root, does against the rules."""
    package, room = path.parts[0], Path(path.parts[1]).stem
    for node, inside in walk(tree):
        line = getattr(node, "lineno", 1)
        for name in imported(node):
            if inside and package in OWN and (name == "." or name in OWN):
                yield Finding(
                    path, line, "import", "a module of the project is imported inside a function; import it at the top"
                )
            if not inside and package in OWN and name in LATE:
                yield Finding(
                    path, line, "late", f"`{name}` is imported at the top; import it in the function that uses it"
                )
            if package == "dsl" and not (name in (".", "dsl", "lark") or name in sys.stdlib_module_names):
                yield Finding(
                    path, line, "language", f"`dsl` imports `{name}`; it may use the standard library and lark only"
                )
            records = isinstance(node, ast.ImportFrom) and node.module == "dsl.records"
            if package == "gpubp" and name == "dsl" and not records and room not in LANGUAGE_USERS:
                yield Finding(
                    path, line, "language", f"`{room}` imports `dsl`; only {', '.join(sorted(LANGUAGE_USERS))} may"
                )
        if package in OWN and path.name != "records.py" and makes_slow_records(node):
            yield Finding(path, line, "records", "`dataclass` comes from `dataclasses`; import it from `dsl.records`")
        if package == "gpubp" and room != "ops" and tells_ops_apart(node):
            yield Finding(path, line, "op-name", "an op is told by its name; ask for a trait of the primitive")
        if package in OWN and room != "cli" and reads_environment(node):
            yield Finding(path, line, "settings", "the environment is read outside `cli/`; hand the setting in")


def beside(tree: ast.Module) -> set[str]:
    """What a module imports of its own folder."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            found |= {node.module.partition(".")[0]} if node.module else {alias.name for alias in node.names}
    return found


def circles(folder: Path, trees: Mapping[str, ast.Module]) -> Iterator[Finding]:
    """Yields the modules of a folder, by name, that import each other, each circle once."""
    imports = {name: beside(tree) & trees.keys() for name, tree in trees.items()}

    def reached(name: str) -> set[str]:
        found, work = set[str](), [name]
        while work:
            new = imports[work.pop()] - found
            found |= new
            work += new
        return found

    for name in sorted(trees):
        circle = sorted(other for other in reached(name) if name in reached(other))
        if circle and circle[0] == name:
            message = f"imports in a circle: {', '.join(f'`{other}`' for other in circle)}"
            yield Finding(folder / f"{name}.py", 1, "circle", f"{message}; move what both need to a third")


def lint_text(path: Path, text: str) -> Iterator[Finding]:
    """Yields the findings of one file; `path` is relative to the root."""
    lines = text.count("\n")
    if lines > MAX_LINES:
        yield Finding(path, lines, "size", f"{lines} lines, at most {MAX_LINES} are allowed; divide it")
    elif lines > WARN_LINES:
        yield Finding(path, lines, "size", f"{lines} lines, over {WARN_LINES} is too long; divide it", "warning")
    if path.suffix == ".py":
        yield from lint_tree(path, ast.parse(text, str(path)))


def main() -> int:
    files = [p for folder in FOLDERS for ext in ("py", "lark") for p in sorted((ROOT / folder).rglob(f"*.{ext}"))]
    findings = [f for p in files for f in lint_text(p.relative_to(ROOT), p.read_text(encoding="utf-8"))]
    for folder in sorted({path.parent for path in files}):
        modules = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in folder.glob("*.py")}
        findings += circles(folder.relative_to(ROOT), modules)
    for finding in findings:
        print(finding)
    errors = sum(finding.severity == "error" for finding in findings)
    print(f"house rules: {len(files)} files, {errors} errors, {len(findings) - errors} warnings")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
