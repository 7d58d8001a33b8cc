"""Backstage's catalog-info.yaml: the components that it describes, and which file is nearest to a changed path. Pure.

A file belongs to the catalog-info.yaml (no other spelling) in its own folder or, if that has none, in the next folder up that has
one. The search ends there whatever the file says: one with only a System or a Location gives the files below it no service, since
a component from further up would be a guess. So does a scaffolder's skeleton, whose name is a placeholder, `${{ values.name }}`.

Of a document only `kind`, `metadata.name` and `metadata.title` are read; everything else is ignored, and no alias is expanded.
"""

from collections.abc import Callable, Iterable
from functools import cache

import yaml

from dx_action.errors import InvalidValue
from dx_action.services.service import Ownership, Service, flaw, naming, text_of
from dx_action.strict_yaml import AliasNode, documents, line_of

CATALOG = "catalog-info.yaml"
LARGEST = 1 << 20
# So many catalogs that cannot be read are named.
MOST_WRONG = 5


class Catalogs(Ownership):
    """The catalogs of a repository. `read` returns a file, or None if it does not exist, and is called at most once for a path."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._components = cache(self._read_components)

    def services_at(self, path: str) -> tuple[Service, ...]:
        """Return the components of the nearest catalog-info.yaml, which is never in a submodule. Raises what `read` raises, too."""
        folder, found = path.removesuffix("/"), None
        while folder and found is None:
            folder = folder.rpartition("/")[0]
            found = self._components(f"{folder}/{CATALOG}".removeprefix("/"))
        return found or ()

    def known(self, paths: Iterable[str]) -> tuple[Service, ...]:
        """Return the components of all catalogs among the files. Raises InvalidValue with each catalog that cannot be read."""
        found, wrong = list[Service](), list[str]()
        for path in paths:
            if path.rpartition("/")[2] == CATALOG:
                try:
                    found += self._components(path) or ()
                except InvalidValue as each:
                    wrong.append(str(each))
        if wrong:
            more = f" And {len(wrong) - MOST_WRONG} more." if len(wrong) > MOST_WRONG else ""
            raise InvalidValue(f"{' '.join(wrong[:MOST_WRONG])}{more}")
        return tuple(found)

    def _read_components(self, path: str) -> tuple[Service, ...] | None:
        with naming(path):
            data = self._read(path)
        return None if data is None else parse_catalog(data, path)


def parse_catalog(data: bytes, name: str) -> tuple[Service, ...]:
    """Return the components of a catalog file. Raises InvalidValue, which begins with `name` and has the line."""
    found: dict[str, Service] = {}
    with naming(name):
        for document in documents(
            text_of(data, LARGEST, "is larger than 1 MiB. Move components to catalogs of their own.")
        ):
            service = _component(document)
            if service is not None:
                found.setdefault(service.identifier, service)
    return tuple(found.values())


def _component(document: yaml.Node) -> Service | None:
    """Return the component, or None if the document is empty, of another kind, or a skeleton."""
    if isinstance(document, yaml.ScalarNode) and not document.value:
        return None
    if not isinstance(document, yaml.MappingNode):
        raise InvalidValue.at(line_of(document), "has a document that is not a mapping")
    kind, metadata = _values(document, "kind", "metadata")
    if isinstance(kind, AliasNode):
        raise InvalidValue.at(line_of(kind), "has an alias as `kind`", "Write the value out.")
    if not isinstance(kind, yaml.ScalarNode) or kind.value != "Component":
        return None
    name, title = _values(metadata, "name", "title")
    where = name or metadata or document
    for node in (where, title):
        if isinstance(node, AliasNode):
            raise InvalidValue.at(line_of(node), "has an alias in a component's `metadata`", "Write the value out.")
    if not isinstance(name, yaml.ScalarNode):
        raise InvalidValue.at(line_of(where), "has a component without `metadata.name`")
    if title is not None and not isinstance(title, yaml.ScalarNode):
        raise InvalidValue.at(line_of(title), "has a component whose `metadata.title` is not text")
    if "{{" in name.value:
        return None
    service = Service(name.value.strip(), (title.value if title else "").strip() or None)
    if found := flaw(service.identifier, service.name):
        raise InvalidValue.at(line_of(name), f"has a component {found[0]}", found[1])
    return service


def _values(node: yaml.Node | None, *wanted: str) -> list[yaml.Node | None]:
    """Return the values of the wanted keys; None for a key that is missing, and for every key if the node is not a mapping."""
    found: dict[str, yaml.Node] = {}
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if isinstance(key, yaml.ScalarNode) and key.value in wanted:
            if key.value in found:
                raise InvalidValue.at(line_of(key), "has the same key twice", "Keep one of them.")
            found[key.value] = value
    return [found.get(key) for key in wanted]
