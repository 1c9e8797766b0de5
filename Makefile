# Everything Earshot does from the shell. Needs make, git and Python 3.11 or later.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
FILE ?=
DATA ?=
OUT ?= out
STAGE ?= dev
EMAIL ?=
SECONDS ?= 300

# Chalice deploys for the Python that runs it, so deploying has an environment of its own.
DEPLOY_PYTHON ?= $(shell for p in python3.13 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 12), (3, 13)))' 2>/dev/null && \
	echo $$p && break; done)
DEPLOY := .venv-deploy

.DEFAULT_GOAL := help
.PHONY: help run process compare deploy destroy page screenshots test check format bench fuzz clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

run: $(BIN)/.local ## start local mode; DATA=folder keeps everything across restarts
	@exec $(BIN)/python -m local run $(if $(DATA),--data "$(DATA)")

process: $(BIN)/.local ## process one recording and end: FILE=path, or the sample
	@$(BIN)/python -m local process --out "$(OUT)" $(if $(FILE),-- "$(FILE)")

compare: $(BIN)/.dev ## hold a recording of yours against librosa: FILE=path
	@$(BIN)/python -m local compare -- "$(or $(FILE),samples/sample.wav)"

bench: $(BIN)/.bench ## our figures beside librosa's and the original recipe's (about half an hour)
	$(BIN)/python benchmarks/run.py

fuzz: $(BIN)/.fuzz ## feed decoders, parsers and API hostile input: SECONDS=how long
	$(BIN)/python tests/fuzz/fuzz.py "$(SECONDS)"

deploy: $(DEPLOY)/.ready ## put a stage into AWS, or what changed of it: STAGE=dev EMAIL=who is told
	@$(DEPLOY)/bin/python -m scripts.deploy "$(STAGE)" $(if $(EMAIL),--email "$(EMAIL)")

destroy: $(DEPLOY)/.ready ## take a stage out of AWS; DATA=delete takes the recordings with it
	@$(DEPLOY)/bin/python -m scripts.destroy "$(STAGE)" $(if $(DATA),--data "$(DATA)")

page: $(DEPLOY)/.ready ## the page of a stage, with your own credentials: STAGE=dev
	@$(DEPLOY)/bin/python -m scripts.page "$(STAGE)"

screenshots: $(BIN)/.dev ## take the pictures of the page that the README shows
	@$(BIN)/python -m local.screenshots $(if $(FILE),"$(FILE)")

test: check ## lint, types and the whole suite
	$(BIN)/pytest -n auto --dist loadfile

check: $(BIN)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/cfn-lint cloudformation/*.yml

format: $(BIN)/.dev ## put the code in its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the virtual environment and all caches
	rm -rf $(VENV) $(DEPLOY) build .mypy_cache .pytest_cache .ruff_cache

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Earshot needs Python 3.11 or later as python3." >&2; exit 1; }
	@sh scripts/make_venv.sh $(PYTHON) $(VENV)

$(BIN)/.local: requirements.txt requirements-media.txt requirements-local.txt | $(BIN)/python
	@echo "Installing what local mode needs (once, about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-local.txt
	@touch $@

$(BIN)/.bench: $(BIN)/.dev benchmarks/requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

$(BIN)/.fuzz: $(BIN)/.dev tests/fuzz/requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/fuzz/requirements.txt
	@touch $@

$(BIN)/.dev: $(BIN)/.local requirements-dev.txt
	@echo "Installing what the tests need (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(DEPLOY)/.ready: requirements.txt requirements-deploy.txt
	@test -n "$(DEPLOY_PYTHON)" || { echo "Deploying needs Python 3.12 or 3.13 as python3.12, python3.13 or python3." >&2; exit 1; }
	@echo "Installing what deploying needs (once) ..."
	@sh scripts/make_venv.sh $(DEPLOY_PYTHON) $(DEPLOY)
	@$(DEPLOY)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-deploy.txt
	@touch $@
