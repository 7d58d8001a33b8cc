"""The bytecode of all that a plain run imports, in one file instead of hundreds. It is in the image alone; `process` imports it.

A module that is not in the file is imported as ever.
"""

import marshal
import sys
from importlib.machinery import ModuleSpec, SourcelessFileLoader

TYPE_CHECKING = False  # as typing says it, which is in the bundle
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType


class Bundled(SourcelessFileLoader):
    """Loads a module as if from its own file."""

    def __init__(self, name: str, path: str, code: "CodeType") -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> "CodeType":  # noqa: ARG002 - so named by importlib
        return self._code


class Bundle:
    """Finds each module once: an import takes the code away."""

    def __init__(self, codes: "dict[str, tuple[str, CodeType]]") -> None:
        self._codes = codes

    def find_spec(
        self, name: str, _path: "Sequence[str] | None" = None, _target: "ModuleType | None" = None
    ) -> ModuleSpec | None:
        if name not in self._codes:
            return None
        path, code = self._codes.pop(name)
        folder, _, file = path.rpartition("/")
        spec = ModuleSpec(name, Bundled(name, path, code), origin=path, is_package=file == "__init__.pyc")
        spec.has_location = True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(folder)
        return spec


def install(path: str) -> None:
    """Have imports look into a file first: by a module's name, the path of its own file, and its code."""
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib is in it
        sys.meta_path.insert(0, Bundle(marshal.loads(file.read())))  # noqa: S302 - of the image's own build


if __name__ == "dx_action.bundle":
    install(__file__.removesuffix(".pyc"))
