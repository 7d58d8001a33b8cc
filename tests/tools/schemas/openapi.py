"""Holds answers against GitHub's OpenAPI description: types, required and unknown properties, formats."""

from collections.abc import Iterator
from typing import Any

from check_events import FORMATS, format_checker
from jsonschema import Draft7Validator

# Formats that say no more than the type does, or that nothing here checks.
_WIDTHS = {"int64", "timestamp", "repo.nwo"}


def _nullable(schema: Any) -> Any:
    """Write OpenAPI 3.0's `nullable` as JSON Schema does."""
    if isinstance(schema, list):
        return [_nullable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    done = {key: _nullable(part) for key, part in schema.items() if key not in ("nullable", "example", "examples")}
    if schema.get("nullable") is not True:
        return done
    return {"anyOf": [{"type": "null"}, done]}


class Description:
    """GitHub's description, and what it says of one answer."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.paths: dict[str, Any] = document["paths"]
        self._components: dict[str, Any] = _nullable(document["components"])
        self._used: set[str] = set()

    def parameters(self, template: str) -> set[str]:
        """Name the query parameters of an endpoint."""
        named = (
            self._components["parameters"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
            for one in self.paths[template]["get"].get("parameters", ())
        )
        return {one["name"] for one in named if one["in"] == "query"}

    def schema(self, template: str, status: int, kind: str) -> dict[str, Any] | None:
        """Find what an answer must be; None where the endpoint does not document it."""
        answer = self.paths[template]["get"]["responses"].get(str(status))
        if answer is None:
            return None
        if "$ref" in answer:
            answer = self._components["responses"][answer["$ref"].rpartition("/")[2]]
        content = answer.get("content", {})
        found = content.get(kind, content.get("application/json"))
        return None if found is None else _nullable(found["schema"])

    def problems(self, schema: dict[str, Any], value: Any) -> Iterator[tuple[str, Any, str]]:
        """Yield everything that is wrong with an answer: where (indices as []), the value, what."""
        self._use(schema)
        validator = Draft7Validator({**schema, "components": self._components}, format_checker=format_checker())
        for error in validator.iter_errors(value):
            for part in _leaves(error):
                path = list(part.absolute_path)
                yield _where(path), part.instance, part.message[:200]
        for path, key in self._unknown(schema, value, []):
            yield _where([*path, key]), value, "the description knows no such property"

    def unchecked_formats(self) -> set[str]:
        """Name the formats of the schemas in use that would go unnoticed."""
        named = {part.removeprefix("format ") for part in self._used if part.startswith("format ")}
        return named - set(FORMATS) - _WIDTHS

    def _use(self, schema: Any) -> None:
        """Note a schema's formats, and those of all that it refers to."""
        for key, part in schema.items() if isinstance(schema, dict) else enumerate(schema):
            if isinstance(part, dict | list):
                self._use(part)
            elif key == "format":
                self._used.add(f"format {part}")
            elif key == "$ref" and part not in self._used:
                self._used.add(part)
                self._use(self._components["schemas"][part.rpartition("/")[2]])

    def _unknown(self, schema: dict[str, Any], value: Any, path: list[Any]) -> list[tuple[list[Any], str]]:
        while "$ref" in schema:
            schema = self._components["schemas"][schema["$ref"].rpartition("/")[2]]
        branches = schema.get("oneOf") or schema.get("anyOf")
        if branches:
            fitting = [branch for branch in branches if self._fits(branch, value)] or branches
            return min((self._unknown(branch, value, path) for branch in fitting), key=len)
        if isinstance(value, list) and "items" in schema:
            return [
                one for index, part in enumerate(value) for one in self._unknown(schema["items"], part, [*path, index])
            ]
        properties = schema.get("properties")
        if not isinstance(value, dict) or not properties:
            return []
        found = []
        for key, part in value.items():
            if key in properties:
                found += self._unknown(properties[key], part, [*path, key])
            elif not schema.get("additionalProperties"):
                found.append((path, key))
        return found

    def _fits(self, schema: dict[str, Any], value: Any) -> bool:
        return bool(Draft7Validator({**schema, "components": self._components}).is_valid(value))


def _leaves(error: Any) -> Iterator[Any]:
    """Go down to what is wrong: of several forms, the one that comes nearest."""
    if not error.context:
        yield error
        return
    branches: dict[Any, list[Any]] = {}
    for part in error.context:
        branches.setdefault(part.schema_path[0], []).append(part)
    not_null = [parts for parts in branches.values() if not any(part.validator_value == "null" for part in parts)]
    for part in min(not_null or list(branches.values()), key=len):
        yield from _leaves(part)


def _where(path: list[Any]) -> str:
    return ".".join("[]" if isinstance(key, int) else str(key) for key in path)
