"""What the image leaves out, nothing of ours imports; and bytecode without docstrings does what the source says."""

import ast
import importlib.util
from types import ModuleType
from typing import Any

import pytest

from runner import ROOT
from structure import ACTION, imports


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rootfs", ROOT / "image/rootfs.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ROOTFS = load()
UNUSED: set[str] = ROOTFS.UNUSED_STDLIB


def unused(name: str) -> bool:
    top = name.partition(".")[0]
    return top in UNUSED or top.startswith(ROOTFS.UNUSED_STDLIB_PREFIXES)


@pytest.mark.parametrize("module", ACTION)
def test_no_module_imports_what_the_image_leaves_out(module: str) -> None:
    """Those inside of functions too, which no start of the image shows."""
    assert [name for name, _ in imports(module) if unused(name)] == []


def test_what_is_left_out_is_seen() -> None:
    assert [name for name in ("xml.etree", "asyncio", "_testcapi", "json", "email.utils") if unused(name)] == [
        "xml.etree",
        "asyncio",
        "_testcapi",
    ]


DOCUMENTED = '''
"""Of the module."""
from __future__ import annotations

"""No docstring, even where the one before it goes."""


def plain():
    """Of a function."""
    return 1


def bare():
    """Nothing else is in it."""


async def later():
    """Of a coroutine."""
    "a text"


class Told:
    """Of a class."""

    @property
    def inside(self):
        """Of a method."""
        assert self.__doc__
        return f"{self.__doc__}"


def falsy():
    ""
    return 2
'''


def test_docstrings_go_but_those_of_classes() -> None:
    space: dict[str, Any] = {}
    exec(compile(ROOTFS.without_docstrings(ast.parse(DOCUMENTED)), "m.py", "exec", dont_inherit=True), space)
    told = space["Told"]
    functions = [space["plain"], space["bare"], space["later"], space["falsy"], told.inside.fget]
    assert [each.__doc__ for each in functions] == [None, None, None, "", None]
    assert told.__doc__ == "Of a class."
    assert (space["plain"](), space["bare"](), space["falsy"](), told().inside) == (1, None, 2, "Of a class.")


def test_lines_and_asserts_stay() -> None:
    stripped = ROOTFS.without_docstrings(ast.parse(DOCUMENTED))
    assert sum(isinstance(node, ast.Assert) for node in ast.walk(stripped)) == 1
    assert [node.lineno for node in stripped.body] == [3, 5, *(n.lineno for n in ast.parse(DOCUMENTED).body[3:])]
