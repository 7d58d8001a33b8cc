"""Measures the action beside other ways to report a deployment. `make bench` runs it.

    __main__     the order of things, and what is written where
    stopwatch    a small process that starts others, and tells their time and memory
    measure      rounds in turns, and what is made of them
    server       one loopback server for all contestants, over TLS
    places       where ours is: a checkout, an image
    contestants  beside whom it is measured: curl + jq, Node, and what is published for other services
    published    what npm installs for that
    image        the image's interpreter, without a container around it
    doors        the other ways to start ours: command line, `job/`, `native/`; and a check
    phases       what the time goes into; probe.py is what runs there
    work         one amount of work, and the runs that do it
    growth       how time and memory of a deployment grow with its work
    histories    how they grow with a history, and with the files that a check looks at
    backfill     how fast history is sent
    faults       what everyone does when the other side misbehaves
    tables       the results as text
    picture      the results as a picture

Nothing of it is collected by pytest; tests/contract/test_bench.py compares docs/benchmarks.md with what it wrote.
"""
