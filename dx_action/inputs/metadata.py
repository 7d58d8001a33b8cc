"""The `metadata` input: a JSON object, or a YAML mapping with JSON's types. Pure."""

import json
import math
from typing import Any, Literal, get_args

from dx_action.errors import InvalidValue
from dx_action.inputs.values import parse_texts
from dx_action.text import DEEPEST, TooDeepError, parse_json

# The fields from which DX takes the lead time (its page on deployments.create).
COMMIT_KEY, FIRST_KEY = "commit_timestamp", "first_commit_timestamp"
# What `extra-metadata` may name. The name is the key.
Fact = Literal["rollback", "pull_requests", "started_at"]
_FORM = 'Write a JSON object, {"version": "1.2.3"}, or lines of `key: value`.'


def parse_metadata(text: str) -> dict[str, Any]:
    found = json_value(text) if text.lstrip().startswith("{") else None
    if found is None:
        # YAML takes a tenth of a second to import, and most runs have none.
        from dx_action.strict_yaml import read_yaml  # noqa: PLC0415

        found, _lines = read_yaml(text)
    if not isinstance(found, dict):
        raise InvalidValue(f"is not an object. {_FORM}")
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidValue("contains a character that is not valid Unicode.") from None
    return found


def parse_facts(text: str) -> tuple[Fact, ...]:
    """Read a list of facts, in any case, each once."""
    words: dict[str, Fact] = {word: word for word in get_args(Fact)}
    found = [item.lower() for item in parse_texts(text)]
    if not words.keys() >= set(found):
        raise InvalidValue(f"has an item that is none of {', '.join(f'`{word}`' for word in words)}.")
    return tuple(dict.fromkeys(words[item] for item in found))


def json_value(text: str, *, deepest: int = DEEPEST) -> Any:
    """Return the JSON value, or None if the text is not JSON: a YAML flow mapping starts with a brace too. Raises InvalidValue."""
    try:
        return parse_json(text, deepest=deepest, object_pairs_hook=_once, parse_constant=_refuse, parse_float=_finite)
    except InvalidValue:
        raise
    except TooDeepError:
        raise InvalidValue(f"is nested too deeply. Write at most {DEEPEST} levels.") from None
    except ValueError:
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidValue("has the same key twice. Keep one of them.")
    return found


def _refuse(_name: str) -> Any:
    raise InvalidValue("contains NaN or Infinity, which JSON does not allow.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise InvalidValue("contains a number that is too large for JSON.")
    return number
