"""Registers deployments in DX. This is the map of the package.

Data flows one way, and imports follow it; what is marked (io) touches the world, all else is pure:

    environment, event file → inputs, runtime, event → triggers → context → plan → sending → report → workflow

context is handed the look-ups as something to ask: GitHub is spoken to only where neither an input, the event nor a file tells.

What was written and what happened
    inputs             the INPUT_ variables, checked and typed, every problem at once
    together           which inputs cannot stand together
    hosts              how the DX host may be named
    forms              the forms of single values, such as a commit or a flag
    services           what a service is, and how some are named
    lists              how an input holds a list
    times              the forms of a point in time
    metadata           the `metadata` input
    strict_yaml        YAML of JSON's types only
    paths              which files an input may name
    urls               which texts are web addresses
    runtime            the runner's own variables
    event              (io) the event's file, as partial models
Whose files they are
    ownership          what the three ways below have in common
    service_map        the service map
    catalog            Backstage's catalog-info.yaml
    codeowners         GitHub's CODEOWNERS
    patterns           lists of gitignore's patterns
    segments           a pattern's part between two slashes
    path_tree          paths against many patterns at once, in linear time
What is looked up
    scope              which change counts: a pull request's, or that between two commits
    changes            the files of a change, by GitHub's lists
    trees              the same by two commits' trees, where the lists are cut
    pulls              the commits between two, and the pull requests they were merged by
    previous           the previous deployment, by GitHub's history
    shipping_lookups   all that is looked up of what ships
    files_at           a repository's files: the workspace's, else GitHub's
    lookups            all of it for one deployment
    github             (io) the wire to GitHub, the only speaker to it
    patience           how often, and after what wait, GitHub is asked again
    refusals           the sentence for every refusal of GitHub's
    bounded            (io) giving up on what takes too long
    deployment_pages   a repository's deployments with their statuses, page by page
What it means
    trigger            the shape of an event's meaning: a Trigger, or Skipped
    triggers           which events are a deployment, a function each
    deployment_events  the same for GitHub's deployments and their statuses
    globs              the patterns for branches and environments
    identity           the `reference_id`
    choices            which value counts, where several places name one
    assignments        which pull requests are to be told which services
    shipping           what a deployment ships, as values
    shipments          the decision on it
    lead_time          the commit's time and the first commit's
    doubts             what looks wrong about what ships
    context            each value of the deployment, with where it came from
    plan               the calls, as data
    calls              a call, and what became of it
What a backfill sends, and where it comes from
    backfill_source    GitHub's history, or a file; and the CSV
    history            each deployment's outcomes in a window, as the events that told of them
    own_jobs           which pages are those of the repository's own workflow jobs
    history_rows       those events as rows
    row_files          (io) the checking of a file's rows, all before the first is sent
    records            a file's records, and their cells
    cells              the forms of a cell
    rows               what a row is
    row_index          (io) where each row lies, to be read again
    csv_rows           the CSV that DX imports
How a backfill is sent, and what it tells
    backfill_run       one backfill's run
    backfill           (io) lanes side by side, and what is known at any moment
    backfill_lane      what a lane waits for, and its clock
    backfill_order     which row may go next, and what is held back
    backfill_stops     what ends it early
    pacing             (io) so many requests a second, and the pauses that DX asks for
    backfill_tally     what is remembered of the rows' ends
    leftovers          (io) what is kept in `failed-file`
    backfill_messages  the sentences on its end
    backfill_summary   its tables, chart and groups
    backfill_report    all of it, and the exit code
What is sent
    sending            one run's sending: pull requests before deployments, and what is known at any moment
    outbox             (io) several calls side by side, and when to stop
    delivery           one call's attempts
    answers            what an answer means
    conflicts          which words of a refusal say that the `reference_id` is held
    dx                 (io) the wire to DX, the only speaker to it
    trust              (io) CAs and proxies
What is told
    findings           the log's lines on what was found
    advice             the sentence for every error
    failures           the messages on calls that failed or were held already
    outputs            the step's outputs
    summary            the step's summary
    shipped            its part on what ships
    report             all of it, and the exit code
    inert              foreign text made harmless
    workflow           (io) the only writer of log, commands and the runner's files
Around it
    main               (io) the order of things, and the one ladder of exceptions
    errors             what stops a run before its first call
    cancellation       (io) what a cancelled job does
    workspace          (io) the files that inputs name
    attribution        DX's rules by which pull requests are credited to deployments
    sandbox            a stand-in for DX, for tests, the demo and dry runs; nothing above imports it
"""

__version__ = "0.1.0"
