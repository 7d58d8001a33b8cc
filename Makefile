# Needs git, make and a Python from 3.11 on; everything else goes into .venv, from locks with hashes.
# `make PYTHON=python3.12 test` chooses the Python of a new .venv.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test style thorough bench coverage mutants fuzz lint format pictures lock clean

export PYTHON
# The tests that repeat more often under THOROUGH=1, and the large ones.
thorough := tests/runs/test_exactly_once.py tests/runs/test_job_exactly.py tests/runs/test_corrected_exactly.py \
  tests/runs/test_fuzz.py tests/runs/test_fuzz_files.py tests/runs/test_fuzz_rows.py tests/runs/test_history.py \
  tests/runs/test_past_services.py tests/github/test_stand_in_api.py tests/backfill/test_property.py \
  tests/services/test_patterns.py tests/changes/test_lead_time.py tests/inputs/test_times.py \
  tests/github/test_contents.py tests/runs/test_secrets_refused.py tests/runs/test_secrets_of_github.py \
  tests/report/test_summary.py tests/test_text.py tests/backfill/test_file.py::test_a_hundred_thousand_rows_stay_small

python ?= .venv/bin/python
# Bytecode is kept whatever the environment says: without it, each process compiles the action, and pytest all of its tests anew.
pytest := PYTHONDONTWRITEBYTECODE= $(python) -m pytest -n auto --dist worksteal $(if $(THOROUGH),-m '')
# What `make test` installs holds what the demo needs.
installed := $(if $(wildcard .venv/.dev),.venv/.dev,.venv/.runtime)

help: ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(installed) ## watch deployments being registered, in a stand-in for DX on this machine
	@$(python) -m dx_action.sandbox.demo

test: style $(if $(COVERAGE),coverage) ## check style and types, then run the tests; COVERAGE=1 measures them, THOROUGH=1 has `make thorough` in it
	$(if $(COVERAGE),,$(pytest))

style: .venv/.dev ## check style, types and imports
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy
	.venv/bin/lint-imports --no-cache

bench: .venv/.dev ## measure the action beside others; make bench ROUNDS=40 for more, IMAGE=name for an image that is here
	@PYTHONPATH=native:tests/tools:tests/support:. $(python) -m bench $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(IMAGE),--image $(IMAGE)) $(if $(ONLY),--only $(ONLY))

thorough: .venv/.dev ## look for counter-examples by the thousand: schedules, faults, hostile input (minutes); TIMES=10 for more, ONLY=exactly
	THOROUGH=1 TIMES=$(TIMES) $(pytest) -q -m '' $(if $(ONLY),-k $(ONLY)) $(thorough)

# The tests in a process that measures: see tests/tools/mutants/measured.py.
measured = PYTHONPATH=tests/tools/mutants $(pytest) -p measured
coverage: .venv/.dev ## run the tests, and fail if a branch of a pure module is run by none
	@rm -f .coverage .coverage.*
	$(measured)
	$(python) -m coverage combine -q
	$(python) -m coverage report --fail-under=100 --include="$$(PYTHONPATH=tests/support $(python) tests/tools/mutants/pure.py)"

mutants: .venv/.dev .mutants/coverage ## change the code in one place at a time: which change does no test notice? MODULES=calls EVERY=3 for less
	$(python) tests/tools/mutants/run.py $(if $(EVERY),--every $(EVERY)) $(MODULES)

# Which tests run a line; remove it to measure anew.
.mutants/coverage: | .venv/.dev
	@mkdir -p .mutants
	MEASURE=all COVERAGE_FILE=$@ $(measured) -q
	COVERAGE_FILE=$@ $(python) -m coverage combine -q

SECONDS ?= 60
fuzz: ## feed each reader of foreign bytes by coverage, SECONDS=60 for each (atheris, where it installs)
	@$(MAKE) --no-print-directory .venv-fuzz/.fuzz || { echo "NOT RUN: atheris cannot be installed here"; exit 3; }
	.venv-fuzz/bin/python tests/tools/fuzz/fuzz.py --seconds $(SECONDS)

lint: .venv-lint/.lint ## check the workflows, action.yml, the Dockerfile and the scripts
	@bash .ci/lint

format: .venv/.dev ## format the code, and repair what can be
	$(python) -m ruff check --quiet --fix-only
	$(python) -m ruff format

pictures: .venv/.dev ## render the documentation's pictures of summaries (needs npm and Chromium)
	@sh tests/tools/pictures/render.sh

lock: ## renew the locks from pyproject.toml (needs uv); make lock UV_FLAGS=--upgrade takes the newest versions
	@bash .ci/lock $(UV_FLAGS)

clean: ## remove everything that can be made again
	rm -rf .venv .venv-* .bench .pictures .hypothesis .coverage .mutants .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.runtime: requirements.txt .ci/venv.sh
	@sh .ci/venv.sh .venv requirements.txt $@

.venv/.dev: requirements-dev.txt .ci/venv.sh
	@sh .ci/venv.sh .venv requirements-dev.txt $@

.venv-lint/.lint: .ci/requirements-lint.txt .ci/venv.sh
	@sh .ci/venv.sh .venv-lint .ci/requirements-lint.txt $@

.venv-fuzz/.fuzz: tests/tools/fuzz/requirements.txt .ci/venv.sh
	@sh .ci/venv.sh .venv-fuzz tests/tools/fuzz/requirements.txt $@
