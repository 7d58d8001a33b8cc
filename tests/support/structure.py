"""The package's modules, what each imports, and which of them are pure, as the tests and the mutants take them."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "dx_action"
MODULES = sorted(path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*.py"))
# The sandbox is for tests, the demo and users; the action never imports it.
ACTION = [name for name in MODULES if not name.startswith("sandbox/")]
# The contract "The core is pure" in pyproject.toml; elsewhere a module says of itself that it is.
PURE_PACKAGES = ("services", "inputs", "changes", "deployment", "report")
PURE_MODULES = ("errors", "strict_yaml", "text")
IMPURE = {
    *("asyncio", "glob", "http", "io", "logging", "multiprocessing", "os", "random", "secrets", "shutil", "signal"),
    *("socket", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib.request", "uuid"),
    *("certifi", "github", "requests", "urllib3"),
}


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))


def imports(module: str) -> Iterator[tuple[str, str]]:
    """Each imported name with its module, those inside of functions too."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def names(module: str) -> set[str]:
    """Every name that is used, dotted, such as `datetime.now`."""
    return {ast.unparse(node) for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute | ast.Name)}


def texts(module: str) -> Iterator[str]:
    """Each text of the code but docstrings, with `…` in place of each value in it."""
    nodes: list[ast.AST] = [tree(module)]
    while nodes:
        match nodes.pop():
            case ast.JoinedStr(values):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in values)
                nodes += [part for part in values if isinstance(part, ast.FormattedValue)]
            case ast.Constant(value=str(text)):
                yield text
            case ast.Expr(ast.Constant()):
                pass
            case node:
                nodes += ast.iter_child_nodes(node)


def is_pure(module: str) -> bool:
    if module in PURE_MODULES or module.partition("/")[0] in PURE_PACKAGES:
        return True
    said = (ast.get_docstring(tree(module)) or "").split("\n\n")[0]
    return re.search(r"\bPure\b", said) is not None


def reached(module: str) -> list[str]:
    """What a module imports of the world outside."""
    return [
        name
        for name, part in imports(module)
        if {name, name.partition(".")[0]} & IMPURE or (name == "pathlib" and not part.startswith("Pure"))
    ]
