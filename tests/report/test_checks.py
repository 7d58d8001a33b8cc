"""What a check makes of what it found: each line's outcome and words, as tables."""

import pytest

from builders import inputs, resolved
from dx_action.deployment.calls import deployment_calls
from dx_action.deployment.trigger import Skipped
from dx_action.dx.answers import Verdict
from dx_action.errors import OUTAGES, ActionError, Problem, Server
from dx_action.report import checks
from dx_action.report.checks import Check
from dx_action.report.failures import ADVICE
from dx_action.services.coverage import Coverage

WRONG = Problem("success", "is wrong. Write true.")


def test_every_problem_and_every_warning_of_the_inputs_is_a_line() -> None:
    assert checks.inputs([], []) == (Check("inputs", "ok", "Every input can be used, and has an effect."),)
    assert checks.inputs([WRONG, WRONG._replace(outage=True)], ["`a` has no effect."]) == (
        Check("inputs", "failed", "`success` is wrong. Write true."),
        Check("inputs", "failed", "`success` is wrong. Write true.", outage=True),
        Check("inputs", "warning", "`a` has no effect."),
    )


@pytest.mark.parametrize(
    ("name", "skipped", "outcome", "words"),
    [
        ("push", None, "ok", "This `push` event registers a deployment."),
        (
            "push",
            Skipped("It was deleted.", "Do this."),
            "warning",
            "register nothing. It was deleted. Do this. A push,",
        ),
        ("a\nb", None, "ok", "This `a\\nb` event registers a deployment."),
    ],
)
def test_the_event(name: str, skipped: Skipped | None, outcome: str, words: str) -> None:
    line = checks.event(name, skipped)
    assert (line.name, line.outcome) == ("event", outcome)
    assert words in line.message


def test_no_event() -> None:
    line = checks.no_event()
    assert (line.name, line.outcome) == ("event", "warning")
    assert line.message.startswith(
        "There is no event here, so nothing would be registered. A push, a merged pull request,"
    )
    alone = "There is no event here: the arguments alone say what is registered."
    assert checks.arguments_alone() == Check("event", "ok", alone)
    assert len(checks.event("x" * 200, None).message) == len("This `` event registers a deployment.") + 100


def test_what_is_said_of_files_and_look_ups() -> None:
    nothing = "These inputs need no look-up at GitHub, so `permissions: {}` is enough."
    assert checks.no_look_ups() == Check("github", "ok", nothing)
    read = "What says which files belong to which service can be read."
    assert checks.readable("service-map") == Check("service-map", "ok", read)
    assert checks.unlisted("ca-bundle", WRONG) == Check(
        "ca-bundle",
        "warning",
        "Not tried, because GitHub does not return the files. `success` is wrong. Write true. A checkout before this step makes "
        "them available.",
    )


def test_a_cancelled_check_fails() -> None:
    assert Check("check", "failed", "The job was cancelled before everything was checked.") == checks.CANCELLED


def test_every_name_is_documented() -> None:
    assert list(checks.NAMES) == [
        *("inputs", "failed-file", "ca-bundle", "event", "github", "github-contents", "github-pull-requests"),
        *("github-deployments", "deployment", "service-map", "services-from", "patterns", "services", "unowned-files"),
        *("connection", "token", "check"),
    ]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"service": "web"}, "This step would send 1 request, for web."),
        ({"service": "web,cart", "success": "false"}, "would send 2 requests of a failed deployment, for web, cart."),
    ],
)
def test_what_would_be_registered(given: dict[str, str], says: str) -> None:
    registration = resolved("pull_request_merged", given)
    (line,) = checks.deployment(registration, deployment_calls(registration, inputs(given)))
    assert (line.name, line.outcome) == ("deployment", "ok")
    assert line.message.endswith(says)


def test_what_would_be_registered_with_a_problem_or_a_warning() -> None:
    found = resolved("pull_request_merged", {"service": "web"})._replace(
        problems=(Problem("pull-number", "is missing.", outage=True),), warnings=("Odd.",)
    )
    assert checks.deployment(found, ()) == (
        Check("deployment", "failed", "`pull-number` is missing.", outage=True),
        Check("deployment", "warning", "Odd."),
    )


def test_what_the_event_does_not_say() -> None:
    (line,) = checks.unsaid(ActionError(WRONG))
    assert line.message.startswith("What would be registered is not known here, because the event does not say it,")
    assert (line.name, line.outcome) == ("deployment", "warning")
    assert line.message.endswith("and no input does: `success` is wrong. Write true.")
    assert checks.nothing(Skipped("It touches none.")) == Check(
        "deployment", "warning", "Nothing would be registered. It touches none."
    )


@pytest.mark.parametrize(("own", "perhaps"), [(True, False), (False, False), (True, True), (False, True)])
def test_a_missing_permission(own: bool, perhaps: bool) -> None:
    line = checks.missing_permission("contents", WRONG, ["contents", "deployments"], own=own, perhaps=perhaps)
    assert (line.name, line.outcome) == ("github-contents", "warning" if perhaps else "failed")
    all_of = "All that these inputs need below the job's `permissions:` is `contents: read` and `deployments: read`."
    assert (all_of in line.message) == own
    assert ("depends on the event" in line.message) == perhaps


def test_a_permission_that_is_there() -> None:
    line = checks.permission("pull-requests", "acme/shop")
    assert line == Check("github-pull-requests", "ok", "`github-token` may read the pull requests of acme/shop.")


NONE = Coverage(9, (), (), 0, ())
TWENTY = ", ".join(f"{number} (line 1)" for number in range(20))
UNOWNED = "belong to no service: a change of these alone registers nothing. The largest folders:"


@pytest.mark.parametrize(
    ("found", "name", "message"),
    [
        (NONE, "patterns", None),
        (
            NONE._replace(dead=("a/** (line 1)",)),
            "patterns",
            "1 pattern matches no file of the deployed commit: a/** (line 1). Correct or remove it.",
        ),
        (
            NONE._replace(dead=tuple(f"{number} (line 1)" for number in range(23))),
            "patterns",
            f"23 patterns match no file of the deployed commit: {TWENTY} and 3 more. Correct or remove them.",
        ),
        (
            NONE._replace(without_files=("a",)),
            "services",
            "1 service owns no file: a. Check its patterns, or remove it.",
        ),
        (
            NONE._replace(without_files=tuple(map(str, range(21)))),
            "services",
            f"21 services own no file: {', '.join(map(str, range(20)))} and 1 more. Check their patterns, or remove them.",
        ),
        (
            NONE._replace(unowned=1, files=1, folders=(("f" * 201, 1),)),
            "unowned-files",
            f"1 of 1 file {UNOWNED} {'f' * 199}… (1). Give them to a service, if they are part of one.",
        ),
        (
            NONE._replace(without_files=("a", "b")),
            "services",
            "2 services own no file: a, b. Check their patterns, or remove them.",
        ),
        (
            NONE._replace(unowned=1234, files=20000, folders=(("a/", 1200), ("/", 34))),
            "unowned-files",
            f"1,234 of 20,000 files {UNOWNED} a/ (1,200), / (34). Give them to a service, if they are part of one.",
        ),
    ],
)
def test_the_owners_of_files(found: Coverage, name: str, message: str | None) -> None:
    lines = {line.name: line for line in checks.owners(found, catalogs=False)}
    assert list(lines) == ["patterns", "services", "unowned-files"]
    assert {line.outcome for other, line in lines.items() if other != name} == {"ok"}
    assert (lines[name].outcome, lines[name].message) == (
        ("warning", message) if message else ("ok", "Every pattern matches a file of the deployed commit.")
    )


def test_catalogs_have_no_patterns() -> None:
    services, unowned = checks.owners(NONE._replace(without_files=("a",), files=1), catalogs=True)
    assert services.message == (
        "1 service owns no file but the catalog itself: a. Check the catalog's folder, or remove it."
    )
    several, _ = checks.owners(NONE._replace(without_files=("a", "b")), catalogs=True)
    assert several.message == (
        "2 services own no file but the catalog itself: a, b. Check the catalog's folder, or remove them."
    )
    assert unowned == Check("unowned-files", "ok", "Each of the 1 file belongs to a service.")


@pytest.mark.parametrize("cause", sorted(ADVICE.keys() & {*OUTAGES, "certificate_untrusted", "proxy_password"}))
def test_each_cause_of_no_answer(cause: str) -> None:
    sentence = Server("dx.test", "dx-host", "proxy.test:1").sentence(cause)  # type: ignore[arg-type] # it is one
    verdict = Verdict("refused", cause, sentence)
    assert checks.connection("https://dx.test", verdict) == Check("connection", "failed", sentence, cause in OUTAGES)
    assert checks.token(verdict, "") == Check(
        "token", "warning", "Not tried, because DX was not reached: see `connection`."
    )


def test_a_request_that_cannot_be_made() -> None:
    line = checks.connection("https://dx.test", Verdict("refused", "request_impossible"))
    assert line == Check("connection", "failed", ADVICE["request_impossible"])


@pytest.mark.parametrize(
    ("verdict", "outcome", "words"),
    [
        (Verdict("refused", "required_params_missing", "", 422), "ok", "DX accepts the token:"),
        (Verdict("try-again", "required_params_missing", "", 503), "warning", "the answer was HTTP 503."),
        (Verdict("unauthorized", "invalid_auth", "", 200), "failed", ADVICE["invalid_auth"]),
        (Verdict("try-again", "not_authed", "", 500), "failed", ADVICE["not_authed"]),
        (Verdict("unauthorized", "http_401", "", 401), "warning", "HTTP 401. The API token was rejected."),
        (Verdict("accepted", "", "", 200), "warning", "the answer was `ok: true` to an empty request"),
        (Verdict("refused", "not_ok", "", 200), "warning", "HTTP 200. DX answered without `ok: true`"),
    ],
)
def test_the_token(verdict: Verdict, outcome: str, words: str) -> None:
    assert checks.connection("https://dx.test", verdict).outcome == "ok"
    line = checks.token(verdict, " it\nsaid ")
    assert (line.name, line.outcome) == ("token", outcome)
    assert words in line.message
    assert line.message.endswith("It says: “ it\\nsaid ”") == (outcome == "warning")


def test_what_is_long_is_cut_in_a_line() -> None:
    assert f"This `{'e' * 99}…` event" in checks.event("e" * 101, None).message
    assert checks.token(Verdict("refused", "not_ok", "", 200), "w" * 301).message.endswith(f"It says: “{'w' * 299}…”")


def test_an_empty_answer_is_not_quoted() -> None:
    assert "It says" not in checks.token(Verdict("refused", "http_404", "", 404), " \n").message
