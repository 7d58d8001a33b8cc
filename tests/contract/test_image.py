"""What the image leaves out, nothing of ours imports; bytecode without docstrings, and in one file, does what the source says."""

import ast
import importlib.util
import marshal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from runner import ROOT
from structure import ACTION, imports


def load() -> ModuleType:
    """The program that lays out the image, as a module."""
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


# Run with the folders of the program and of the modules, and the bundle.
BUNDLED = """
import importlib.util, sys, traceback
program, folder, path = sys.argv[1:]
sys.path.append(folder)
spec = importlib.util.spec_from_file_location("bundle", program)
bundle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bundle)
bundle.install(path)
import shop, shop.cart, shop.missed
print(shop.NAME, shop.cart.NAME, shop.missed.NAME)
print(shop.__file__, shop.__path__, shop.__spec__.cached, shop.cart.__file__, shop.__package__, shop.cart.__package__)
print(type(shop.cart.__loader__).__name__, type(shop.missed.__loader__).__name__)
try:
    shop.cart.broken()
except ZeroDivisionError as error:
    print(*traceback.extract_tb(error.__traceback__)[-1][:3])
"""


def test_a_bundle_stands_for_the_files_of_its_modules_and_a_miss_is_imported_as_ever(tmp_path: Path) -> None:
    """Of the package and its first module there are no files, of the second one alone."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/missed.py").write_text("NAME = 'missed'")
    sources = {"shop": "NAME = 'shop'", "shop.cart": "NAME = 'cart'\n\ndef broken():\n    return 1 / 0\n"}
    codes = {}
    for name, text in sources.items():
        path = f"{tmp_path}/shop/{'cart' if '.' in name else '__init__'}.py"
        codes[name] = (f"{path}c", compile(text, path, "exec"))
    (tmp_path / "codes").write_bytes(marshal.dumps(codes))
    command = [
        sys.executable,
        "-I",
        "-B",
        "-c",
        BUNDLED,
        str(ROOT / "image/bundle.py"),
        str(tmp_path),
        str(tmp_path / "codes"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    init, cart = f"{tmp_path}/shop/__init__.pyc", f"{tmp_path}/shop/cart.pyc"
    assert done.stdout.splitlines() == [
        "shop cart missed",
        f"{init} ['{tmp_path}/shop'] {init} {cart} shop shop",
        "Bundled SourceFileLoader",
        f"{tmp_path}/shop/cart.py 4 broken",
    ], done.stderr
