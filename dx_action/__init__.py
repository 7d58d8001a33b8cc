"""Registers deployments in DX, so that its DORA metrics are true.

Imports run down this list; `make test` holds them to it, and each package says in its first line what it owns.

    process                         signals from the first moment on, the interpreter's settings, the exit
    command_line                    arguments instead of a workflow, plain text instead of commands to the runner
    main                            the order of things, the one ladder of exceptions, signals
    operations | backfill           what a step can be asked to do
    report                          what a run says about itself
    dx | github                     the two wires
    deployment                      event and inputs → what is registered → calls
    changes                         which pull requests a deployment brings
    inputs                          what the author wrote
    services | runner               who owns a file | what the runner hands over and takes back
    strict_yaml | secrecy           YAML with JSON's types only | the search for secrets
    errors | text                   what stops a run | foreign text made harmless
    sandbox                         a stand-in for DX; nothing above imports it
"""

__version__ = "0.1.0"
