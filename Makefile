# Needs make and Python 3.11 or later; everything else goes into .venv, which each target makes when it is absent.
#   make demo    the starter rules on the starter events          make test    lint, then every test
#   make lint    ruff, mypy, pyright, import-linter               make bench   measure
#   make format  let ruff rewrite what it can                     make fuzz    random broken input, for hours
#   make agree   rules against their queries, by the hour        make exact   the engine against the law, for hours
#   make clean   remove what was made
# PYTHON=python3.12 chooses the interpreter, JOBS=4 the number of test processes.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
JOBS ?= 2
FUZZ ?= 200000
SEED ?= $(shell date +%Y%m%d)
BIN := .venv/bin
PACKAGE := pyproject.toml ruleengine/engine/_sieve_build.py $(wildcard ruleengine/engine/_sieve*.[ch])

.PHONY: demo test lint format bench fuzz agree exact clean
.DELETE_ON_ERROR:

demo: .venv/installed
	@set -e; show() { echo; echo "$$ $$*"; "$$@"; }; PATH="$(CURDIR)/$(BIN):$$PATH"; \
	show ruleengine check rules; \
	show ruleengine match fixtures --rules rules; \
	show ruleengine explain rules/windows/web_server_spawns_discovery.yml --event fixtures/windows/process_creation.ndjson:9; \
	show ruleengine test rules; \
	show ruleengine compile rules/cloud/aws_trail_silenced.yml; \
	show ruleengine verify rules/cloud rules/windows rules/web

test: lint .venv-pysigma-1.5.1/installed .venv-pysigma-2.0.1/installed .venv-appinspect/installed
	$(BIN)/python -m pytest -n $(JOBS)

lint: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_house.py

format: .venv/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/installed-dev | .venv-sqlite/installed .rsigma/bin/rsigma
	@code=0; for script in bench/[a-z]*.py; do echo "$$script"; $(BIN)/python $$script || code=1; done; exit $$code

fuzz: .venv/installed-dev
	$(BIN)/python -m tests.fuzzing --rules $(FUZZ) --events $(FUZZ) --seed $(SEED)

agree: .venv/installed-dev
	RULEENGINE_NIGHTLY=1 $(BIN)/python -m pytest -n $(JOBS) -o faulthandler_timeout=0 tests/test_agreement.py

exact: .venv/installed-dev
	RULEENGINE_NIGHTLY=1 $(BIN)/python -m pytest -n $(JOBS) -o faulthandler_timeout=0 \
		tests/test_engine_agrees.py tests/test_engine_memory.py tests/test_sieve*.py

clean:
	rm -rf .venv .venv-pysigma-* .venv-appinspect .venv-sqlite .rsigma build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -f ruleengine/engine/_sieve.*.so ruleengine/engine/_sieve.*.pyd
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "ruleengine needs Python 3.11 or later; name one with: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: $(PACKAGE) | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/installed-dev: $(PACKAGE) | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,evtx]'
	@touch $@ .venv/installed

# The oracles: two versions of pySigma, which cannot both be in one environment (sigma-cli wants the older one).
.venv-pysigma-%/installed: Makefile | .venv/bin/python
	$(BIN)/python -m venv .venv-pysigma-$*
	.venv-pysigma-$*/bin/python -m pip install --quiet --disable-pip-version-check pysigma==$* pyyaml lark msgspec
	@touch $@

# Splunk's own check of apps, whose licence and dependencies stay out of our environment; and a reader of .conf files.
.venv-appinspect/installed: Makefile | .venv/bin/python
	$(BIN)/python -m venv .venv-appinspect
	.venv-appinspect/bin/python -m pip install --quiet --disable-pip-version-check \
		splunk-appinspect==4.3.1 addonfactory-splunk-conf-parser-lib==1.0.0
	@touch $@

# What `make bench` measures ours beside; where one cannot be had, its figures are "not measured".
.venv-sqlite/installed: Makefile | .venv/bin/python
	$(BIN)/python -m venv .venv-sqlite
	.venv-sqlite/bin/python -m pip install --quiet --disable-pip-version-check pysigma==2.0.1 pysigma-backend-sqlite==2.1.1 \
		&& touch $@ || rm -rf .venv-sqlite

.rsigma/bin/rsigma:
	@if command -v cargo >/dev/null; then cargo install --locked rsigma --version 0.21.0 --all-features --root .rsigma \
		|| echo "RSigma cannot be installed: it is not measured"; else echo "there is no cargo: RSigma is not measured"; fi
