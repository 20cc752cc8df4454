# make demo, make test, make docs, make lab, make clean and the rest: each sets up what it needs in .venv and says what it does.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)
export AVGEN_THREADS ?= 2

.PHONY: help demo test docs bench lab app clean setup browser gates readme coverage

help:
	@echo "make demo   show what a trained pair makes, train a small one from nothing, judge both: runs/demo/report.html"
	@echo "make test   everything: export and clean are no-ops, ruff, notebooks, the site, browser tests, pytest"
	@echo "make docs   the site: all pages, a reference, recipes, to search and to read offline: _docs/html/index.html"
	@echo "make coverage  which lines of avgen/ the tests reach"
	@echo "make bench  measure this machine: steps, attention, data, cold start; hover, opening and cursor of the views"
	@echo "make lab    open the notebooks in JupyterLab"
	@echo "make app    the workbench as a page without code (Voila)"
	@echo "make clean  remove what was made: runs, the orchestra, caches, .venv"

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "avgen: needs Python 3.11 or newer, found " + sys.version.split()[0] + "; set PYTHON=/path/to/python3.11")'
	@echo "avgen: making .venv and installing the tested set of packages (about 2 GB, some minutes the first time)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-script-location -c constraints.txt -e '.[dev]' 2> >(grep -v 'is ignored: it is neither a file' >&2)
	@touch $@
	@echo "avgen: installed"

setup: $(READY)

demo: $(READY)
	@echo "avgen: showing a trained pair, then training both directions from nothing, judging all (some minutes on two cores)"
	@avgen demo

bench: $(READY) browser
	@echo "avgen: measuring this machine in fresh processes (some minutes; best with nothing else running; forms are chosen for it, AVGEN_TUNE=off to compare without)"
	@python -m avgen.bench --threads $(AVGEN_THREADS) --out runs/bench.json
	@python tests/bench_browser.py

lab: $(READY)
	@echo "avgen: opening JupyterLab in nbs/ (stop it with Ctrl-C)"
	@avgen lab

docs: $(READY)
	@echo "avgen: building the site from the notebooks as they are (about a minute; nothing is executed or fetched)"
	@python docs/build.py

app: $(READY)
	@echo "avgen: opening the workbench (stop it with Ctrl-C)"
	@JUPYTER_PATH=$(CURDIR)/avgen/show/static voila --template=workbench nbs/app.ipynb

# Chromium for the browser tests: installed where we may, said where not.
browser:
	@if command -v chromium > /dev/null || command -v chromium-browser > /dev/null || command -v google-chrome > /dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
		echo "avgen: installing chromium for the browser tests"; \
		apt-get update -qq > /dev/null && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core > /dev/null; \
	else echo "avgen: no chromium found: the browser tests will be skipped (install it to run them)"; fi

gates: $(READY)
	@echo "avgen: gate 1, exporting the notebooks changes nothing"
	@python tests/gates.py export
	@echo "avgen: gate 2, cleaning the notebooks changes nothing"
	@python tests/gates.py clean
	@echo "avgen: gate 3, README.md is what nbs/index.ipynb says"
	@python tests/gates.py readme
	@echo "avgen: gate 4, maps and tables of README.md, CONTRIBUTING.md and docs/ are what modules and results say"
	@python tests/gates.py maps
	@echo "avgen: gate 5, ruff"
	@ruff format --quiet --check nbs tests docs || { echo "run \`ruff format nbs tests docs\` and commit what it changes"; exit 1; }
	@ruff check --quiet nbs avgen tests docs

test: $(READY) browser gates docs
	@echo "avgen: running the notebooks"
	@OMP_NUM_THREADS=1 AVGEN_THREADS=1 AVGEN_TUNE=off AVGEN_QUICK=1 AVGEN_STILL=1 nbdev-test --n-workers 2 --timing \
		--skip-file-re '^[_.]|\.(ja|zh)\.' nbs  # a translation has the same cells, which a test of the lessons holds
	@echo "avgen: running the contract tests, the recipes and the browser tests"
	@OMP_NUM_THREADS=1 AVGEN_THREADS=1 AVGEN_TUNE=off pytest -n 2 --dist worksteal --durations=15

coverage: $(READY) browser
	@echo "avgen: running the tests once more, counting which lines of avgen/ they reach (slower than make test)"
	@OMP_NUM_THREADS=1 AVGEN_THREADS=1 AVGEN_TUNE=off pytest -n 2 --dist worksteal --cov=avgen --cov-report=term

readme: $(READY)
	@python tests/gates.py maps --write
	@python tests/gates.py readme --write

clean:
	@echo "avgen: removing runs/, the built orchestra, caches and .venv"
	@rm -rf runs data/orchestra* data/etude* .venv build dist _docs _proc *.egg-info .pytest_cache .ruff_cache .coverage
	@find . -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf
