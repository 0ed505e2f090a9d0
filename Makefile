# Every target sets up what it needs; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
export SEEDBED_HOME

.DEFAULT_GOAL := help
.PHONY: help run setup setup-dev test lint format soak bench demo clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: setup ## set up, then serve the dashboard on 127.0.0.1:8501 (PORT=..., SEEDBED_HOME=...)
	$(BIN)/streamlit run app.py --server.port $(PORT)

setup: $(VENV)/.installed ## create the virtual environment with what running needs

setup-dev: $(VENV)/.installed-dev ## ... and what testing needs

$(VENV)/.installed: requirements.txt
	$(PYTHON) scripts/check_python.py
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing what Seedbed needs; the first time this takes some minutes and shows nothing."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

test: setup-dev lint ## set up, check the style, run every test (browser tests included)
	$(BIN)/python scripts/find_browser.py
	@# tests start many processes: without compiled files each compiles all of core anew
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not soak" -n 2 --dist loadfile --no-loadscope-reorder

lint: setup-dev ## ruff check and format check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup-dev ## rewrite the files in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

soak: setup-dev ## the long, random tests
	$(BIN)/python -m pytest -m soak

bench: setup-dev ## run every benchmark, print its table
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

demo: setup-dev ## write the built-in world again (seed sets at once; training the tiny models takes some 100 minutes)
	@for set in word_problems maths prontoqa game24; do $(BIN)/python -m core.demo.$$set; done
	$(BIN)/python -m core.demo.make_student
	$(BIN)/python -m core.demo.make_reward

clean: ## remove the virtual environment and caches, never the workspace
	rm -rf $(VENV) .pytest_cache .ruff_cache
