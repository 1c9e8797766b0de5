# Everything Earshot does from the shell. Needs make, git and Python 3.11 or later.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
FILE ?=
PORT ?=
DATA ?=
OUT ?= out
DATASET ?=
NAME ?=
FORMAT ?=
ARGS ?=
STAGE ?= dev
EMAIL ?=
ID ?=
PURGE ?=
FAILURES_EMAIL ?=
ALLOWED_ORIGIN ?=
LOG_RETENTION ?=
BUDGET ?=
FROM ?=
ONLY ?=
SINCE ?=
OWNER ?=
INVENTORY ?=
DRY_RUN ?=
REASON ?=
KMS_KEY ?=
SPEECH ?=
HISTORIES ?= 20000
SEED ?= 0
SHRINK ?=
SECONDS ?= 300
SAMPLED ?=

# Chalice deploys for the Python that runs it, so deploying has a separate environment.
DEPLOY_PYTHON ?= $(shell for p in python3.13 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 12), (3, 13)))' 2>/dev/null && \
	echo $$p && break; done)
DEPLOY := .venv-deploy
# These tools need other versions of packages, so they have separate environments too.
AUDIT := .venv-audit
PEERS := .venv-peers
PAGE_TOOLS := tools/page/node_modules
PEERS_TESTS := tests/test_end_to_end.py tests/aws/test_dynamodb.py tests/api/test_search.py
LOCKS := requirements.txt $(wildcard requirements/*.txt)

.DEFAULT_GOAL := help
.PHONY: help run process compare chart kernels cost deploy destroy package reconcile replay erase dataset redrive backfill status retry page screenshots test test-peers test-quick coverage docs check check-page audit \
	advisories lock format bench bench-speech fuzz soak mutants clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

# A variable's text exactly as typed, as one word for the shell, with any characters.
as_typed = '$(subst ','\'',$(value $1))'

run: $(BIN)/.local ## start local mode: PORT=4747, DATA=folder that keeps all data
	@exec $(BIN)/python -m local run $(if $(value PORT),--port $(call as_typed,PORT)) \
		$(if $(value DATA),--data $(call as_typed,DATA))

process: $(BIN)/.local ## process recordings and end: FILE=path, folder or pattern, or the sample; DATASET=kaldi writes a data set
	@$(BIN)/python -m local process --out $(call as_typed,OUT) \
		$(if $(value DATASET),--dataset $(call as_typed,DATASET)) \
		$(if $(value FILE),-- $(call as_typed,FILE))

compare: $(BIN)/.desk ## compare Earshot with librosa on your recording: FILE=path, or the sample
	@$(BIN)/python -m local compare -- $(if $(value FILE),$(call as_typed,FILE),samples/sample.wav)

chart: $(BIN)/.desk ## draw the words that make process wrote: FILE=out/recording_id
	@$(BIN)/python -m local chart -- $(if $(value FILE),$(call as_typed,FILE),$(call as_typed,OUT))

kernels: $(BIN)/.kernels ## compile the extractor's inner loops, so that local mode is faster

bench: $(BIN)/.bench ## measure Earshot, librosa and the original recipe (about half an hour)
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/deployed.py
	$(BIN)/python benchmarks/longest.py

bench-speech: $(BIN)/.local ## word errors, punctuation, word times and CPU of each recogniser: SPEECH=folder with references.tsv
	@SPEECH="$(SPEECH)" $(BIN)/python benchmarks/hearing.py

cost: $(BIN)/.local ## print the cost of a thousand hours in AWS, from measured figures
	@$(BIN)/python -m scripts.cost

fuzz: $(BIN)/.fuzz ## fuzz decoders, parsers and the API with hostile input: SECONDS=how long
	$(BIN)/python tests/support/fuzz/fuzz.py "$(SECONDS)"

deploy: $(DEPLOY)/.ready ## deploy a stage to AWS, or its changes: STAGE=dev EMAIL=address for notices
	@$(DEPLOY)/bin/python -m scripts.deploy "$(STAGE)" $(if $(EMAIL),--email "$(EMAIL)") \
		$(if $(FAILURES_EMAIL),--failures-email "$(FAILURES_EMAIL)") \
		$(if $(ALLOWED_ORIGIN),--allowed-origin "$(ALLOWED_ORIGIN)") \
		$(if $(LOG_RETENTION),--log-retention "$(LOG_RETENTION)") \
		$(if $(BUDGET),--budget "$(BUDGET)") \
		$(if $(KMS_KEY),--kms-key "$(KMS_KEY)")

destroy: $(DEPLOY)/.ready ## remove a stage from AWS: STAGE=dev; DATA=delete removes the recordings too, PURGE=yes their copies
	@$(DEPLOY)/bin/python -m scripts.destroy "$(STAGE)" $(if $(DATA),--data "$(DATA)") $(if $(PURGE),--purge "$(PURGE)")

package: $(DEPLOY)/.ready ## write a deployment's files into a folder, without credentials: STAGE=dev OUT=out
	@$(DEPLOY)/bin/python -m scripts.hand_over "$(STAGE)" --out "$(OUT)"

reconcile: $(BIN)/.local ## reconcile a stage completely, now: STAGE=dev, or local
	@$(BIN)/python -m scripts.reconcile "$(STAGE)"

replay: $(BIN)/.local ## do the missing work of one recording now: STAGE=dev ID=its-id
	@$(BIN)/python -m scripts.replay "$(STAGE)" "$(ID)"

erase: $(BIN)/.local ## erase one recording with every version of it: STAGE=dev ID=its-id
	@$(BIN)/python -m scripts.erase "$(STAGE)" "$(ID)"

backfill: $(BIN)/.local $(if $(INVENTORY),$(BIN)/.archive) ## process an archive: FROM=s3://bucket/prefix STAGE=dev; ONLY=features or transcript, OWNER=, SINCE=date, BUDGET=dollars, INVENTORY=manifest.json, DRY_RUN=yes
	@$(BIN)/python -m scripts.backfill --stage "$(STAGE)" $(if $(ONLY),--only "$(ONLY)") \
		$(if $(SINCE),--since "$(SINCE)") $(if $(value OWNER),--owner $(call as_typed,OWNER)) \
		$(if $(INVENTORY),--inventory $(call as_typed,INVENTORY)) $(if $(BUDGET),--budget "$(BUDGET)") \
		$(if $(DRY_RUN),--dry-run) -- $(call as_typed,FROM)

status: $(BIN)/.local ## print recordings by status and failures by reason: STAGE=dev
	@$(BIN)/python -m scripts.status "$(STAGE)"

retry: $(BIN)/.local ## try failed branches again: STAGE=dev REASON=a part of the reason
	@$(BIN)/python -m scripts.retry "$(STAGE)" --reason $(call as_typed,REASON)

dataset: $(BIN)/.local ## make a data set of a stage's recordings: NAME=calls FORMAT=kaldi STAGE=dev, or local; ARGS=more options
	@$(BIN)/python -m scripts.dataset --stage "$(STAGE)" $(if $(FORMAT),--format "$(FORMAT)") $(ARGS) -- "$(NAME)"

redrive: $(BIN)/.local ## send failed messages and events again, after the cause is repaired: STAGE=dev
	@$(BIN)/python -m scripts.redrive "$(STAGE)"

soak: $(BIN)/.dev ## run many histories of faults: HISTORIES=20000, SEED=0, MINUTES=60; SHRINK=yes shortens the failing history of SEED
	$(BIN)/python tests/support/faults/soak.py --histories $(HISTORIES) --seed $(SEED) \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(SHRINK),--shrink)

mutants: $(if $(SAMPLED),$(BIN)/.mutants,$(BIN)/.dev) ## put deliberate faults into a copy, one at a time, and see whether tests notice: SAMPLED=60 takes faults of cosmic-ray instead of the list
	$(BIN)/python tests/support/mutants/measure.py $(if $(SAMPLED),--sampled $(SAMPLED))

page: $(DEPLOY)/.ready ## serve the page of a stage with your AWS credentials: STAGE=dev
	@$(DEPLOY)/bin/python -m scripts.page "$(STAGE)"

screenshots: $(BIN)/.dev ## take the pictures of the page that the README shows
	@$(BIN)/python -m local.desk.screenshots $(if $(FILE),"$(FILE)")

# Python's bytecode is written even where it is switched off: the tests start some 300 processes,
# and each would compile Earshot anew.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

test: check ## run lint, types and all tests
	$(PYTEST)

test-quick: $(BIN)/.dev ## run every test that takes less than two seconds: under three minutes
	$(PYTEST) -m "not slow"

docs: $(BIN)/.dev ## build the documentation site into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet

coverage: $(BIN)/.dev ## measure the coverage of the quick tests; fails below the floor in pyproject.toml
	$(PYTEST) -m "not slow" --quiet --cov --cov-report=term

test-peers: $(BIN)/.dev $(DEPLOY)/.ready $(PEERS)/.ready ## run the end-to-end tests on MiniStack, and the tables' tests on dynalite
	EARSHOT_PEERS=$(PEERS) EARSHOT_DEPLOY=$(DEPLOY) $(BIN)/pytest $(PEERS_TESTS)

check: $(BIN)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/cfn-lint cloudformation/resources.yml
	@$(MAKE) --no-print-directory check-page

check-page: ## run lint and types of the page's modules, if npm is installed
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory check-page-with-npm; \
	else echo "The page's modules are not checked, because npm is not installed: apt-get install npm"; fi

.PHONY: check-page-with-npm
check-page-with-npm: $(PAGE_TOOLS)/.ready
	$(PAGE_TOOLS)/.bin/biome check --config-path=tools/page --error-on-warnings chalicelib/web
	$(PAGE_TOOLS)/.bin/tsc --project tools/page

audit: $(AUDIT)/.ready ## look for security weaknesses in the template
	$(AUDIT)/bin/checkov --config-file cloudformation/checkov.yml

advisories: $(AUDIT)/.ready ## ask PyPI for advisories on every locked package
	$(AUDIT)/bin/pip-audit --strict --require-hashes --disable-pip $(LOCKS:%=--requirement %)

lock: $(BIN)/.dev ## lock the groups of pyproject.toml, each package by version and hash
	@sh scripts/lock.sh $(BIN)/uv

format: $(BIN)/.dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	@test ! -e $(PAGE_TOOLS)/.ready || \
		$(PAGE_TOOLS)/.bin/biome format --config-path=tools/page --write chalicelib/web

clean: ## remove the virtual environment and all caches
	rm -rf $(VENV) $(DEPLOY) $(AUDIT) $(PEERS) $(PAGE_TOOLS) build .mypy_cache .pytest_cache .ruff_cache

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Earshot needs Python 3.11 or later as python3." >&2; exit 1; }
	@sh scripts/make_venv.sh $(PYTHON) $(VENV)

# Only packages of the lock files are installed, and each must match its hash.
INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes --requirement

$(BIN)/.local: requirements/local.txt | $(BIN)/python
	@echo "Installing what local mode needs (once, about a minute) ..."
	@$(BIN)/python $(INSTALL) $<
	@touch $@

$(BIN)/.kernels: requirements/kernels.txt $(wildcard kernels/*.* kernels/*/*.py) | $(BIN)/python
	@echo "Compiling the kernels ..."
	@$(BIN)/python $(INSTALL) $<
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation \
		--no-deps --force-reinstall ./kernels
	@touch $@

$(BIN)/.bench: requirements/bench.txt $(BIN)/.dev
	@$(BIN)/python $(INSTALL) $<
	@touch $@

$(BIN)/.archive: requirements/archive.txt $(BIN)/.local
	@echo "Installing the reader of inventories in Parquet (once) ..."
	@$(BIN)/python $(INSTALL) $<
	@touch $@

$(BIN)/.mutants: requirements/mutants.txt $(BIN)/.dev
	@$(BIN)/python $(INSTALL) $<
	@touch $@

$(BIN)/.fuzz: requirements/fuzz.txt $(BIN)/.dev
	@$(BIN)/python $(INSTALL) $<
	@touch $@

# The kernels are built only on Linux, which Lambda uses; on other systems numpy does the work.
KERNELS := $(if $(filter Linux,$(shell uname -s)),$(BIN)/.kernels)

$(BIN)/.desk: requirements/desk.txt $(BIN)/.local $(KERNELS)
	@echo "Installing librosa and matplotlib (once, about a minute) ..."
	@$(BIN)/python $(INSTALL) $<
	@touch $@

$(BIN)/.dev: requirements/dev.txt $(BIN)/.local $(KERNELS)
	@echo "Installing what the tests need (once) ..."
	@$(BIN)/python $(INSTALL) $<
	@touch $@

$(DEPLOY)/.ready: requirements/deploy.txt
	@test -n "$(DEPLOY_PYTHON)" || { echo "Deploying needs Python 3.12 or 3.13 as python3.12, python3.13 or python3." >&2; exit 1; }
	@echo "Installing what deploying needs (once) ..."
	@sh scripts/make_venv.sh $(DEPLOY_PYTHON) $(DEPLOY)
	@$(DEPLOY)/bin/python $(INSTALL) $<
	@touch $@

$(AUDIT)/.ready: requirements/audit.txt
	@test -n "$(PYTHON)" || { echo "Earshot needs Python 3.11 or later as python3." >&2; exit 1; }
	@echo "Installing what the audit needs (once) ..."
	@sh scripts/make_venv.sh $(PYTHON) $(AUDIT)
	@$(AUDIT)/bin/python $(INSTALL) $<
	@touch $@

$(PAGE_TOOLS)/.ready: tools/page/package-lock.json
	@echo "Installing the tools that check the page's modules (once; needs npm) ..."
	@npm --prefix tools/page ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(PEERS)/.ready: requirements/peers.txt tests/peers/package-lock.json
	@test -n "$(DEPLOY_PYTHON)" || { echo "MiniStack needs Python 3.12 or 3.13 as python3.12, python3.13 or python3." >&2; exit 1; }
	@echo "Installing MiniStack and dynalite (once; the latter needs npm) ..."
	@sh scripts/make_venv.sh $(DEPLOY_PYTHON) $(PEERS)
	@$(PEERS)/bin/python $(INSTALL) $<
	@mkdir -p $(PEERS)/node
	@cp tests/peers/package.json tests/peers/package-lock.json $(PEERS)/node
	@npm --prefix $(PEERS)/node ci --omit=optional --ignore-scripts --no-audit --no-fund --silent
	@touch $@
