"""The documentation as the tests read it. `python tests/support/documents.py` renews what the code and action.yml write.

It also writes the module of the inputs' descriptions, because the image has no `action.yml`.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import wrap

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dx_action.deployment.permissions import NEEDS
from dx_action.dx.answers import HELD_CODES, HELD_ENDS, HELD_WORDS, NOT_HELD
from dx_action.report.checks import NAMES
from dx_action.report.failures import ADVICE

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "<!-- %s: written by `python tests/support/documents.py` from the code. -->"
END = "<!-- %s: the end. -->"
MODULE = "dx_action/inputs/descriptions.py"


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page: str) -> str:
    """Return the page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", read(page), flags=re.MULTILINE | re.DOTALL)


def section(page: str, heading: str) -> str:
    """Return what is below a heading, up to the next one of its level or above."""
    level = heading.partition(" ")[0]
    found = re.search(
        rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", read(page), re.MULTILINE | re.DOTALL
    )
    assert found, f"{page} has no section `{heading}`"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """Return the cells of the tables' rows, heads left out."""
    tables = re.findall(r"^\| .*\n\| ---.*\n((?:\|.*\n?)+)", text, re.MULTILINE)
    lines = [line for table in tables for line in table.splitlines()]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]] for line in lines]


def names(cell: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall("`([^`]+)`", cell)


def anchors(page: str) -> set[str]:
    """Return what a link into the page may name, as GitHub makes it of the headings."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def links(page: str) -> list[tuple[str, str]]:
    """Return the page's relative links, as the path from the repository's root and the anchor."""
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            to = ((ROOT / page).parent / path).resolve() if path else ROOT / page
            found.append((to.relative_to(ROOT).as_posix(), anchor))
    return found


def sentences() -> str:
    """Return the table of the codes, each with the sentence that a message has."""
    lines = [f"| `{code}` | {sentence} |" for code, sentence in ADVICE.items()]
    return "\n".join(("| code | the message says |", "| --- | --- |", *lines))


def conflicts() -> str:
    """Return the lists of the codes and of the sentences that say that DX has a `reference_id` already."""
    codes = "\n".join(f"- `{code}`" for code in HELD_CODES)
    words = "\n".join(f"- {sentence}" for sentence in HELD_WORDS)
    ends, busy = (", ".join(f"*{each}*" for each in listed) for listed in (HELD_ENDS, NOT_HELD))
    after = f"After a sentence: {ends}, with or without more words."
    never = f"Never a conflict, if one of these words is in the answer: {busy}."
    return f"Codes:\n\n{codes}\n\nSentences:\n\n{words}\n\n{after}\n\n{never}"


def checked() -> str:
    """Return the table of the lines of a check."""
    lines = [f"| `{name}` | {text} |" for name, text in NAMES.items()]
    return "\n".join(("| line | what it is about |", "| --- | --- |", *lines))


def permissions() -> str:
    """Return the table of the permissions that inputs need."""
    lines = [f"| {need.text} | `{need.permission}: read` |" for need in NEEDS]
    return "\n".join(("| inputs | permission |", "| --- | --- |", *lines))


# The pages with parts that are written by the code, and those parts.
WRITTEN: dict[str, dict[str, Callable[[], str]]] = {
    "docs/errors.md": {"Messages": sentences, "Conflicts": conflicts},
    "docs/checking.md": {"Lines": checked, "Permissions": permissions},
}


def renewed(page: str) -> str:
    """Return the page with its written parts anew."""
    text = read(page)
    for name, part in WRITTEN[page].items():
        begin, end = BEGIN % name, END % name
        text = f"{text.split(begin, maxsplit=1)[0]}{begin}\n\n{part()}\n\n{end}{text.split(end)[1]}"
    return text


def described() -> str:
    """Return the module of the inputs' descriptions, as `action.yml` has them."""
    inputs = yaml.safe_load(read("action.yml"))["inputs"]
    lines = [
        '"""The inputs\' descriptions for `--help`. Written by `python tests/support/documents.py` from `action.yml`. Pure."""',
        "",
        "DESCRIPTIONS = {",
    ]
    for name, about in inputs.items():
        words = " ".join(about["description"].split())
        parts = wrap(words, 100, drop_whitespace=False, break_long_words=False, break_on_hyphens=False)
        first, *rest = (json.dumps(part, ensure_ascii=False) for part in parts)
        lines += [f'    "{name}": {first}', *(f"    {part}" for part in rest)]
        lines[-1] += ","
    return "\n".join((*lines, "}", ""))


NATIVE = """\
# Its inputs and outputs are those of action.yml: `python tests/support/documents.py` writes this file.
name: DX deployment, without Docker
description: Registers your deployments in DX on Linux, macOS and Windows runners, by the runner's own Python
author: The DX deployment action's maintainers

{inputs}

outputs:
{outputs}

runs:
  using: composite
  steps:
    - id: dx
      # -p: it takes no start-up file, function or option from the job's variables.
      shell: bash --noprofile --norc -p {{0}}
      run: . "$GITHUB_ACTION_PATH/start.sh"
      env:
        DX_ACTION_INPUTS: ${{{{ toJSON(inputs) }}}}
        DX_ACTION_FAIL_ON_ERROR: ${{{{ inputs.fail-on-error }}}}
        # Git's bash on Windows would take what looks like a path in it for one, and change it.
        MSYS2_ENV_CONV_EXCL: DX_ACTION_INPUTS
"""


def native() -> str:
    """Return native/action.yml, with the inputs and outputs of action.yml."""
    inputs, _, rest = read("action.yml").partition("\ninputs:\n")[2].partition("\noutputs:\n")
    blocks = re.split(r"^(?=  \S)", rest.partition("\nruns:\n")[0], flags=re.MULTILINE)
    outputs = []
    for block in filter(None, blocks):
        name = block.partition(":")[0].strip()
        outputs.append(f"{block.rstrip()}\n    value: ${{{{ steps.dx.outputs.{name} }}}}")
    return NATIVE.format(inputs=f"inputs:\n{inputs.rstrip()}", outputs="\n".join(outputs))


JOB_HEAD = """\
# Written by `python tests/support/documents.py` from action.yml: the inputs and outputs are the same.
name: DX deployment of a job
description: At the top of a deploy job. Checks everything before the job deploys, and registers the deployment when it has ended
"""
JOB_INPUT = """\
  job-status:
    description: Set by GitHub, not by you. What became of this job, which counts if `success` is not written
    default: ${{ job.status }}
"""
JOB_RUNS = """\
runs:
  using: docker
  image: {image}
  entrypoint: /opt/dx/start.py
  post-entrypoint: /opt/dx/end.py
"""


def job_action(text: str) -> str:
    """Return `job/action.yml`, made of the text of `action.yml`; in a release, both name the same image."""
    kept = re.search(r"^author:.*?(?=^outputs:)", text, re.MULTILINE | re.DOTALL)
    outputs = re.search(r"^outputs:.*?(?=^runs:)", text, re.MULTILINE | re.DOTALL)
    image = re.search(r"^  image: (.*)$", text, re.MULTILINE)
    assert kept
    assert outputs
    assert image
    built = image[1].replace("Dockerfile", "../Dockerfile")
    return JOB_HEAD + kept[0].rstrip("\n") + "\n" + JOB_INPUT + "\n" + outputs[0] + JOB_RUNS.format(image=built)


if __name__ == "__main__":
    for written in WRITTEN:
        (ROOT / written).write_text(renewed(written), encoding="utf-8")
    (ROOT / MODULE).write_text(described(), encoding="utf-8")
    (ROOT / "native/action.yml").write_text(native(), encoding="utf-8")
    (ROOT / "job/action.yml").write_text(job_action(read("action.yml")), encoding="utf-8")
