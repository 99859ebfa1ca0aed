# `make demo` runs the main job, `make check` passes the tests. Each does its own set-up: all it needs is Python 3.11+.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo check format bench screenshot

demo: $(VENV)/.installed
	$(BIN)/llmcost demo

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n auto --dist worksteal

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The picture of the README, of the demo's own report; needs Chromium.
screenshot: demo
	cd llmcost-demo && ../$(BIN)/llmcost report --format html -o report.html
	$${CHROMIUM:-chromium} --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1280,1010 \
		--screenshot=docs/images/report.png "file://$(CURDIR)/llmcost-demo/report.html"

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/operating_characteristics.py

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --editable ".[dev]"
	touch $(VENV)/.installed $@
