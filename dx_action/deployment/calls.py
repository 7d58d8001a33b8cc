"""Owns the data between deciding, sending and telling: a call to DX, and what became of it. Pure."""

import json
from dataclasses import dataclass
from typing import Any, Literal

Method = Literal["deployments.create", "deployments.upsert", "deployments.setPullServices"]
Outcome = Literal["accepted", "already-registered", "failed", "not-sent", "unknown"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `body` is serialised once, so that every attempt, and a dry run, has the same bytes.

    `subject` is what it is about where that is no service's deployment.
    """

    method: Method
    service: str
    reference_id: str
    body: bytes
    subject: str = ""

    @property
    def path(self) -> str:
        """The path under the host."""
        return f"/api/{self.method}"

    @property
    def label(self) -> str:
        """What the call is about, in a word."""
        return self.subject or self.service

    def json(self) -> dict[str, Any]:
        """Give the body as a value."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a call.

    `outcome`: `failed` means that DX does not hold it, `unknown` that it may. `error` is DX's code, or our own word where
    DX gave none; `message` is foreign text and is inert only once a writer has made it so.
    """

    call: Call
    outcome: Outcome
    http_status: int | None = None
    error: str = ""
    message: str = ""
    attempts: int = 0

    @property
    def delivered(self) -> bool:
        """Tell whether DX holds the deployment for certain."""
        return self.outcome in ("accepted", "already-registered")


def serialise(body: dict[str, Any]) -> bytes:
    """Give the bytes of a request."""
    return compact(body).encode()


def compact(value: object) -> str:
    """Give a value as JSON without a space."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def as_row(call: Call) -> str:
    """Give the call as a row of a `backfill-file`: its body, and which method it is where that is not a creation."""
    method, body = call.method.removeprefix("deployments."), call.body.decode()
    return body if method == "create" else f'{body[:-1]}, "method": "{method}"}}'
