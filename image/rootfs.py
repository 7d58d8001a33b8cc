"""Lays out the image's whole file system: interpreter, what it links to, CAs, packages; modules as bytecode alone.

    /opt/dx/bin/python rootfs.py runtime ROOT                   everything but our own package
    /opt/dx/bin/python rootfs.py package SOURCE RUNTIME ROOT    our own package, beside what the first has laid out in RUNTIME

Runs in the build stage, by the environment's own interpreter. No path of the base's is spelled out: sysconfig says where
the interpreter's parts are, ldd what is linked to, ssl where the CAs are. The same base and packages give the same bytes:
files are visited in order, and every time is 0.
"""

import ast
import json
import marshal
import os
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import Path
from types import CodeType

# Parts of the standard library that no run reaches; tests/contract/test_image.py looks for them in what our own modules import.
UNUSED_STDLIB = {
    # For people at a terminal, for building, testing and looking into programs.
    *("__hello__", "__phello__", "_lsprof", "_pyrepl", "antigravity", "bdb", "cmd", "code", "codeop", "colorsys"),
    *("compileall", "cProfile", "curses", "_curses", "_curses_panel", "doctest", "ensurepip", "idlelib"),
    *("modulefinder", "optparse", "pdb", "pickletools", "profile", "pstats", "pty", "py_compile", "pyclbr", "pydoc"),
    *("pydoc_data", "readline", "site-packages", "dist-packages", "symtable", "tabnanny", "test", "this", "timeit"),
    *("tkinter", "_tkinter", "trace", "tty", "turtle", "turtledemo", "unittest", "venv", "wave", "webbrowser"),
    *("_ctypes_test", "xxsubtype", "zipapp"),
    # Databases, formats and protocols of others, and what runs side by side by other means than threads.
    *("_asyncio", "asyncio", "_ctypes", "ctypes", "_dbm", "_gdbm", "dbm", "_elementtree", "_multiprocessing"),
    *("_posixshmem", "_sqlite3", "configparser", "ftplib", "html", "imaplib", "mailbox", "multiprocessing"),
    *("plistlib", "poplib", "pyexpat", "shelve", "smtplib", "socketserver", "sqlite3", "statistics", "tarfile"),
    *("tomllib", "wsgiref", "xml", "xmlrpc"),
    # East Asian encodings: all that is read is UTF-8.
    *("_codecs_cn", "_codecs_hk", "_codecs_iso2022", "_codecs_jp", "_codecs_kr", "_codecs_tw", "_multibytecodec"),
    # What is compiled takes their place.
    *("_pydatetime", "_pydecimal", "_pyio"),
    # zipfile and shutil do without, and would load them at every start.
    *("_bz2", "_lzma", "bz2", "lzma"),
}
UNUSED_STDLIB_PREFIXES = ("_test", "_xxtest", "config-", "xxlimited")
# PyJWT does without cryptography, which is for GitHub Apps; PyNaCl needs cffi's compiled part alone; PyYAML parses by itself.
# Without charset_normalizer, 3 MiB of memory at every start, requests takes a text of no stated encoding for UTF-8, which JSON is.
UNUSED_PACKAGES = {"_yaml", "cffi", "charset_normalizer", "cryptography", "pycparser", "pydantic/v1", "yaml/_yaml"}
UNUSED_DISTRIBUTIONS = {"charset_normalizer", "cryptography", "pycparser"}
# What a plain run imports, early and late. .ci/image fails if such a run reads the bytecode of anything else.
PLAIN = ("dx_action.main", "dx_action.dx.client", "dx_action.dx.sender", "dx_action.runner.network", "encodings.idna")
IMPORTED = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
sys.path.append(sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items() if name == module.__name__}
print(json.dumps(files))
"""
# What shows a person or a scanner which version of what this is, and under which licence.
ABOUT = re.compile(r"METADATA|licenses/.*|(LICEN[CS]E|NOTICE|COPYING|AUTHORS).*", re.IGNORECASE)
# The C library loads it by this name when a thread ends early.
LOADED_BY_NAME = "libgcc_s.so.1"

# What is before the bytecode in its file, of this length: Python's version, that nothing is compared, and the source's hash.
UNCHECKED_HASH = (0b01).to_bytes(4, "little")
HEADER = 16

# The commands by which ARC's container hook for Kubernetes copies its files in and starts the entrypoint. A busybox that does not
# run its own tools without a search, which is the default of its configuration, needs each of these names.
BUSYBOX = Path("/build/busybox")
SHELL = Path("/bin/sh")
HOOK_COMMANDS = ("chmod", "env", "find", "mv", "rm", "stat", "tail", "tar")

EXECUTABLE = Path(sys.executable).resolve()
PACKAGES = Path(sysconfig.get_path("purelib"))


class Root:
    """A new root directory. Every path is that of the image."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.copied: list[Path] = []

    def at(self, path: Path) -> Path:
        """Where a path of the image lies now."""
        return self._root / path.relative_to("/")

    def place(self, path: Path) -> Path:
        """The same, its folder made."""
        place = self.at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def copy(self, source: Path, path: Path) -> None:
        shutil.copyfile(source, self.place(path))
        self.copied.append(source)

    def take(self, path: Path) -> None:
        """Copy a file of the base, and every symbolic link on the way to it."""
        parts = list(path.parts[1:])
        walked = Path("/")
        while parts:
            walked /= parts.pop(0)
            if walked.is_symlink():
                leads_to = os.path.normpath(walked.parent / walked.readlink())
                self.link(walked, walked.readlink())
                parts = [*Path(leads_to).parts[1:], *parts]
                walked = Path("/")
        self.copy(walked, walked)

    def link(self, path: Path, leads_to: Path) -> None:
        place = self.place(path)
        place.unlink(missing_ok=True)
        place.symlink_to(leads_to)

    def write(self, path: Path, text: str) -> None:
        self.place(path).write_text(text, encoding="utf-8")

    def compile(self, source: Path, path: Path) -> None:
        """Put a module's bytecode where its source would lie, without docstrings. Its asserts stay: in PyGithub they are checks."""
        text = source.read_bytes()
        code = compile(without_docstrings(ast.parse(text)), str(path), "exec", dont_inherit=True, optimize=0)
        header = MAGIC_NUMBER + UNCHECKED_HASH + source_hash(text)
        self.place(path.with_suffix(".pyc")).write_bytes(header + marshal.dumps(code))

    def index(self, folders: Iterable[Path]) -> None:
        """Have the dynamic linker find its libraries in these folders, by its cache: the interpreter's may be in /usr/local."""
        self.write(Path("/etc/ld.so.conf"), "".join(f"{folder}\n" for folder in sorted(folders)))
        subprocess.run(["ldconfig", "-X", "-r", str(self._root)], check=True)
        shutil.rmtree(self.place(Path("/var/cache/ldconfig")), ignore_errors=True)

    def seal(self) -> None:
        """Forget when this was built, and by whom."""
        for path in [self._root, *self._root.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or is_program(path) else 0o644)
            os.utime(path, (0, 0), follow_symlinks=False)


def without_docstrings(module: ast.Module) -> ast.Module:
    """Leave out the docstrings of modules and functions. Those of classes stay: dataclasses and email read them."""
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            # A text that follows must not become the docstring; `from __future__` must come first in a module.
            node.body[:1] = [] if isinstance(node, ast.Module) else [ast.copy_location(ast.Pass(), node.body[0])]
    return module


def is_elf(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(4) == b"\x7fELF"


def is_program(file: Path) -> bool:
    """Whether it is a binary, or a script of this interpreter's."""
    own = f"#!{sys.prefix}/".encode()
    with file.open("rb") as opened:
        return opened.read(len(own)) == own or is_elf(file)


def files(folder: Path) -> Iterator[Path]:
    """Every file, in an order that does not depend on the disk."""
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)


def linked(file: Path) -> tuple[set[Path], list[str]]:
    """The libraries that a file is linked to, directly or by way of others, and those that are not there."""
    listed = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^\s*(?:\S+ => )?(/\S+) \(0x", listed, re.MULTILINE)
    return {Path(os.path.normpath(path)) for path in found}, re.findall(r"^\s*(\S+) => not found", listed, re.MULTILINE)


def take_interpreter(root: Root) -> None:
    root.take(EXECUTABLE)
    root.link(Path(sys.prefix) / "bin" / "python", EXECUTABLE)
    version = ".".join(map(str, sys.version_info[:3]))
    settings = f"home = {EXECUTABLE.parent}\ninclude-system-site-packages = false\nversion = {version}\n"
    root.write(Path(sys.prefix) / "pyvenv.cfg", settings)


def take_stdlib(root: Root) -> None:
    stdlib = Path(sysconfig.get_path("stdlib"))
    for file in files(stdlib):
        inside = file.relative_to(stdlib)
        top = inside.parts[inside.parts[0] == "lib-dynload"].partition(".")[0]
        if top in UNUSED_STDLIB or top.startswith(UNUSED_STDLIB_PREFIXES):
            continue
        if file.suffix == ".py":
            root.compile(file, file)
        elif file.suffix == ".so" and not linked(file)[1]:
            root.copy(file, file)


def take_packages(root: Root) -> None:
    for file in files(PACKAGES):
        inside = file.relative_to(PACKAGES)
        top, *rest = inside.parts
        module = inside.with_name(file.name.partition(".")[0])
        if top.endswith(".dist-info"):
            if top.partition("-")[0] not in UNUSED_DISTRIBUTIONS and ABOUT.fullmatch("/".join(rest)):
                root.copy(file, file)
        elif UNUSED_PACKAGES & {str(each) for each in (module, *module.parents)}:
            continue
        elif file.suffix == ".py":
            root.compile(file, file)
        elif file.suffix not in {".pth", ".pyi"} and file.name != "py.typed":
            root.copy(file, file)


def take_libraries(root: Root) -> None:
    wanted: set[Path] = set()
    for file in filter(is_elf, list(root.copied)):
        found, missing = linked(file)
        if missing:
            sys.exit(f"{file} is linked to {missing}, which the base does not have")
        wanted |= {path for path in found if not path.is_relative_to(sys.prefix)}
    wanted |= {path.with_name(LOADED_BY_NAME) for path in wanted if path.name.startswith("libc.so")}
    for path in sorted(wanted):
        root.take(path)
    root.index({path.parent for path in wanted})


def take_authorities(root: Root) -> None:
    """The CAs as OpenSSL looks them up, a file each, named by its subject's hash; and all of them in one file."""
    paths = ssl.get_default_verify_paths()
    hashed = sorted(Path(paths.openssl_capath).glob("*.[0-9]"))
    if not hashed:
        sys.exit(f"{paths.openssl_capath} has no CAs")
    for path in hashed:
        root.take(path)
    # Named by variables in many jobs. The base's own may have been changed for the build, by a proxy's CA; certifi's was not.
    root.link(Path(paths.openssl_cafile).resolve(), PACKAGES / "certifi" / "cacert.pem")


def take_shell(root: Root) -> None:
    """One static busybox, under its names, with its licence and where its source is."""
    shutil.copyfile(BUSYBOX, root.place(SHELL))
    for name in HOOK_COMMANDS:
        root.link(SHELL.with_name(name), Path(SHELL.name))
    about = Path("/usr/share/doc/busybox")
    shutil.copyfile(BUSYBOX.with_suffix(".txt"), root.place(about / "SOURCE"))
    shutil.copyfile("/usr/share/common-licenses/GPL-2", root.place(about / "COPYING"))


def name_debian_packages(root: Root, sources: Iterable[Path]) -> None:
    """Record for scanners which packages of Debian's these files come from, as images without dpkg do; with the licences."""
    asked = ["dpkg-query", "--search", *sorted({str(path.resolve()) for path in sources})]
    # Files that were not installed by dpkg make its status 1.
    listed = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    for package in sorted(set(re.findall(r"^([a-z0-9.+-]+)(?::\w+)?: ", listed, re.MULTILINE))):
        status = subprocess.run(["dpkg-query", "--status", package], capture_output=True, text=True, check=True).stdout
        root.write(Path("/var/lib/dpkg/status.d") / package, status)
        licence = Path("/usr/share/doc") / package / "copyright"
        if licence.exists():
            root.take(licence)
    root.take(Path("/etc/os-release"))


def lay_out_runtime(root: Root) -> None:
    take_interpreter(root)
    take_stdlib(root)
    take_packages(root)
    take_libraries(root)
    take_authorities(root)
    take_shell(root)
    name_debian_packages(root, root.copied)
    root.write(Path("/etc/nsswitch.conf"), "hosts: files dns\n")
    root.write(Path("/etc/passwd"), "root:x:0:0:root:/root:/sbin/nologin\n")
    root.write(Path("/etc/group"), "root:x:0:\n")
    # The folder alone: without it, Python's temporary files would go to the workspace.
    root.place(Path("/tmp/file"))  # noqa: S108


def lay_out_package(root: Root, source: Path, runtime: Path) -> None:
    for file in files(source / "dx_action"):
        root.compile(file, PACKAGES / file.relative_to(source))
    for name in ("entrypoint.py", "start.py", "end.py", "LICENSE"):
        root.copy(source / name, Path(sys.prefix) / name)
    root.compile(Path(__file__).with_name("bundle.py"), PACKAGES / "dx_action" / "bundle.py")
    codes = bundled(root, source, Root(runtime))
    root.place(PACKAGES / "dx_action" / "bundle").write_bytes(marshal.dumps(codes))


def bundled(root: Root, source: Path, runtime: Root) -> dict[str, tuple[str, CodeType]]:
    """Take what a plain run imports out of its own files: the code of each module that the image has, with its file's path there.

    Only the interpreter's own modules keep theirs, since it starts before there is a bundle.
    """
    command = [sys.executable, "-I", "-B", "-c", IMPORTED, str(source), *PLAIN]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    codes = {}
    for name, file in found.items():
        if not file.endswith(".py") or name == "dx_action":  # the package leads to the bundle
            continue
        path = Path(file).with_suffix(".pyc")
        if path.is_relative_to(source):
            path = PACKAGES / path.relative_to(source)
        for place in (root.at(path), runtime.at(path)):
            if place.exists():
                codes[name] = (str(path), marshal.loads(place.read_bytes()[HEADER:]))  # noqa: S302 - made above
                if path.is_relative_to(PACKAGES):
                    place.unlink()
    return codes


def main(what: str, *paths: str) -> None:
    *sources, target = map(Path, paths)
    root = Root(target)
    if what == "runtime":
        lay_out_runtime(root)
    else:
        lay_out_package(root, *sources)
    root.seal()


if __name__ == "__main__":
    main(*sys.argv[1:])
