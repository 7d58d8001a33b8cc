"""Owns the prose of failures: for each code that DX documents, and each end of our own, what it means and what to check.

One sentence serves the log, the annotation and the summary alike. It holds no foreign text; a writer adds that, inert.
"""

_CODES = {
    "not_authed": "DX saw no API token. Check that `dx-token` comes from a secret that this repository and event can read.",
    "invalid_auth": "DX does not accept the API token: it is wrong, expired or revoked. Create a Data Cloud API token in DX "
    "and store it in the secret that `dx-token` reads.",
    "account_inactive": "The DX account behind the API token is deactivated or suspended. Use a token of an active account.",
    "invalid_json": "DX could not parse the request. A proxy may have changed it; with a plain connection this is a bug of "
    "this action: please report it.",
    "required_params_missing": "DX misses a required value. Check `service`, `deployed-at`, and `repository` or "
    "`merge-commit-shas`.",
    "repo_not_found": "DX does not know the repository. Check its spelling and its prefix (organization, project), and that "
    "the repository is connected in DX; `repository` sets it by hand.",
    "reference_id_conflict": "DX already holds this `reference_id` with other values, and `on-conflict` is not `keep`.",
    "redirect": "The host answered with a redirect, which is never followed with a token. Check `dx-host`.",
    "not_ok": "DX answered without `ok: true` and gave no reason.",
    "unreadable_answer": "The answers were not JSON, as where a proxy or a login page stands before DX. Check `dx-host`.",
    "http_401": "The API token was refused. Check the secret that `dx-token` reads, and `dx-host`.",
    "http_403": "The API token may not do this. Check the rights of the token that `dx-token` reads, and any proxy's.",
    "http_404": "The host has no such API. Check that `dx-host` is your DX instance's own host.",
    "http_422": "DX refused the request and gave no reason that can be read. Check the inputs against what DX has.",
    "http_429": "DX asked for fewer requests, and for a longer wait than `timeout` leaves. Run this later, or raise `timeout`.",
    "certificate": "The host's certificate is not trusted. Check `dx-host`; for a private CA, give its PEM file as `ca-bundle`.",
    "connection_failed": "No connection to the host could be made. Check `dx-host`, the network and any proxy.",
    "connection_lost": "The connection broke before DX had answered.",
    "no_answer": "DX did not answer in time. Raise `timeout` where it is slow; else look whether it is down.",
    "request_impossible": "The request could not be made. Check `dx-host` and the proxy's variables.",
    "unauthorized_before": "It was not sent, because DX had refused the token.",
    "order_kept": "A deployment before it, of the same repository, service and environment, was not delivered, and they go in "
    "the order of time. Send both again.",
    "stopped_before": "The sending was ended, because what failed before would have failed here, too.",
    "out_of_time": "It was not sent, because `timeout` was used up.",
    "cancelled": "The job was cancelled before that was known.",
    "not_configured": "It was not sent, because an input that it needs is missing or cannot be used.",
}
# Where a code that nobody documented says less than the status it came with.
_TELLING = (401, 403, 429)


def advise(error: str, http_status: int | None, *, said: bool) -> str:
    """Give the sentence for an error; for one that nobody documented, its status's, or where to look next.

    `said`: DX gave a message.
    """
    if error in _CODES:
        return _CODES[error]
    if http_status == 408 or (http_status or 0) >= 500:
        return f"DX is unavailable: it answered every attempt with {http_status}. Try again later."
    # A 404 with a code of its own, such as deployment_not_found, comes from an API that is there.
    if http_status in _TELLING or (http_status == 404 and error == "not_found"):
        return _CODES[f"http_{http_status}"]
    reason = "" if said else " It gave no reason."
    return f"DX refused the request, with a code that its documentation does not list.{reason}"
