"""Owns the shape of an event's meaning: values with where they came from, a skip with its reason. Pure."""

from dataclasses import dataclass
from datetime import datetime

from dx_action.inputs.urls import is_url
from dx_action.inputs.values import Sourced
from dx_action.runner.event import PullRequest
from dx_action.services.service import Service


@dataclass(frozen=True, slots=True)
class Skipped:
    """Why nothing is registered, and what to change where it should be."""

    reason: str
    advice: str = ""
    warn: bool = False

    def __str__(self) -> str:
        return f"{self.reason} {self.advice}".strip()


@dataclass(frozen=True, slots=True)
class Trigger:
    """What an event says of a deployment.

    `identity` names the event itself, so that handling it again finds what is held already; empty, the deployment is this
    job's own. `per_job`: several jobs and matrix legs may deploy for one such event. `overridable`: inputs given by hand
    may make another deployment of the same event.
    """

    commit: Sourced[str] | None
    identity: tuple[str, ...] = ()
    per_job: bool = False
    overridable: bool = True
    deployed_at: Sourced[datetime] | None = None
    success: Sourced[bool] | None = None
    page: Sourced[str] | None = None
    pull: PullRequest | None = None
    services: Sourced[tuple[Service, ...]] | None = None
    warnings: tuple[str, ...] = ()


def page(url: str | None, source: str) -> Sourced[str] | None:
    """Give the page and its source, or None where there is none that a browser would open."""
    return Sourced(url, source) if url and is_url(url) else None
