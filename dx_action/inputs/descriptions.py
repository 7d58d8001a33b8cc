"""The inputs' descriptions for `--help`. Written by `python tests/support/documents.py` from `action.yml`. Pure."""

DESCRIPTIONS = {
    "dx-host": "Your DX instance, `acme.getdx.net` or `acme`, or an https:// URL. Required unless `dry-run` or "
    "`csv-file` is set",
    "dx-token": "A DX Data Cloud API token, from a secret. Required unless `dry-run` or `csv-file` is set",
    "github-token": "A token for look-ups at GitHub, which only read. Default, the job's own",
    "ca-bundle": "A PEM file with CAs to trust in addition to the public ones, in the workspace or in the repository",
    "timeout": "Seconds for all requests to DX, retries included; in a backfill, or with `since`, for each request. "
    "One attempt may use 30 seconds, or half of it if that is more",
    "operation": "`deploy` registers the deployment; `set-pull-services` sets in DX which services a pull request "
    "touches, or with `since` each one that was merged since then, and registers nothing; `backfill` "
    "registers past deployments, from GitHub's history or a file; `update` and `delete` correct one "
    "deployment that DX has; `check` registers nothing, and says whether this step would work",
    "service": "One or more services, `identifier` or `identifier=Display Name`, by lines, commas or as JSON. "
    "Default, a GitHub deployment's `payload.service`, else the repository's own name",
    "services-from": "Where services come from, `input` (default), or the files that changed, by `map` (implied by "
    "`service-map`), `backstage` or `codeowners`",
    "service-map": "A YAML file in the repository, or the YAML itself, that lists for each service the globs of its "
    "files",
    "repository": "The repository as DX names it. Default, the event's. Another one needs its commit, or `attribution` "
    "`repository`",
    "commit-sha": "The deployed commit, 7 to 40 hexadecimal digits. Default, the event's",
    "attribution": "How DX attributes the deployment, by `commit` (default), `repository`, or `merge-commits` (implied "
    "by `merge-commit-shas`; without that list, those that ship since the previous deployment)",
    "merge-commit-shas": "The merge commits that this deployment ships, as JSON, lines or commas",
    "since-sha": "The commit that was deployed before, to find merge commits, the pull requests that ship, or services"
    " by the files that changed. Default, the previous one in GitHub's deployment history; for files, "
    "where a push began",
    "integration-branch": "The branch that pull requests are merged into, if it is not the branch that is deployed",
    "deployed-at": "When production changed, ISO-8601 with a time zone, Unix seconds or milliseconds. Default, the "
    "event's time, else now",
    "success": "Whether the deployment succeeded, `true` (default) or `false`, or a job's status or result; "
    "`cancelled` and `skipped` skip this step",
    "environment": "The environment. Default, with `only-environments` what a GitHub deployment names, else none, and DX"
    " counts the deployment as `production`",
    "reference-id": "The deployment's unique id in DX. Default, derived from the event or this job",
    "source-url": "A page about the deployment. Default, the event's own page or this job's",
    "source-name": "The name of the system that deployed. Default, `GitHub Actions`, or in a row of a `backfill-file`, "
    "nothing; `none` leaves it out",
    "metadata": "Your own data about the deployment, as a JSON object or lines of `key` and value (YAML)",
    "extra-metadata": "Facts to add to `metadata`, a list of `rollback` and `pull_requests` (if they were looked up) and "
    "`started_at` (in `job/`)",
    "lead-time-metadata": "Which times to add to `metadata` for DX's lead time reports, `none`, `commit` (`commit_timestamp`), "
    "`first-commit` (`first_commit_timestamp`) or `both`",
    "only-branches": "Globs of the branches that count, for every event that is about a branch. Default, the default "
    "branch for merged pull requests and workflow runs, every branch for other events",
    "only-environments": "Globs of the environments that count, for deployments and their statuses; what these name is then "
    "sent as `environment`. Default, production environments and `prod*`",
    "set-pull-services": "With `deploy`, first set in DX which services the pull request touches",
    "replace-pull-services": "Replace the services that DX has for the pull request, instead of adding to them",
    "pull-number": "The pull request's number, for its services. Default, the event's",
    "pull-id": "The pull request's id, for its services. Default, the event's",
    "confirm-delete": "With `delete`, the `reference-id` again; in a backfill with rows to delete, their number. Without it"
    " nothing is deleted",
    "method": "The method of DX's API, `create` or `upsert`",
    "on-conflict": "What to do if DX already has this `reference-id` with other values, `keep` (succeed and keep them), "
    "`update` or `fail`",
    "fail-on-error": "Which failures fail this step, `true` (each), `except-outages` (what you have to correct) or `false`"
    " (none); the others are warnings",
    "dry-run": "Decide, show every request, and send none",
    "show-pull-requests": "List in the summary the pull requests that this deployment ships",
    "failed-file": "A file in the workspace to which every request is appended, as JSON lines, whose outcome DX has not "
    "confirmed",
    "since": "With `backfill`, the start of the window over GitHub's deployment history; default, 90 days ago. "
    "With `set-pull-services`, set the services of every pull request that was merged from then on",
    "until": "The end of the window that `since` starts. Default, now",
    "workflow-jobs": "With `backfill`, also register the deployments that GitHub created for this repository's own "
    "workflow jobs",
    "backfill-file": "With `backfill`, a CSV or JSON Lines file in the workspace, used instead of GitHub's history",
    "csv-file": "With `backfill`, write the CSV for DX's own import to this file in the workspace, and send nothing",
    "max-per-second": "With `backfill` or `since`, how many requests may start each second; `0` for no limit",
    "concurrency": "With `backfill` or `since`, how many requests may be in flight at once, 1 to 32",
    "job-index": "Set by GitHub, not by you. The matrix leg, so that each leg's deployment has its own id",
    "check-run-id": "Set by GitHub, not by you. This very job, which the deployment links to",
}
