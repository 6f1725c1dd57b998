# make chat: ask in the browser. make test: pass the tests. Each installs what it needs first, once.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := src tests evals

.DEFAULT_GOAL := help
.PHONY: help chat test evals lint format clean

help:
	@echo "make chat    install, ingest corpus/ and open the chat at http://127.0.0.1:7860"
	@echo "make test    install what the tests need and run them"
	@echo "make evals   run the eval suites and write reports/<suite>.html"
	@echo "make lint    ruff and mypy"
	@echo "make format  let ruff format the code"
	@echo "make clean   remove the environment and the index"

chat: $(VENV)/installed
	$(BIN)/backbot ingest
	$(BIN)/backbot serve

test: $(VENV)/installed-for-tests
	$(BIN)/pytest

evals: $(VENV)/installed
	$(BIN)/backbot ingest
	@failed=0; for suite in smoke answers-report red-flags injection; do \
	  $(BIN)/backbot eval evals/$$suite.yaml --html reports/$$suite.html --save reports/$$suite.json || failed=1; \
	done; exit $$failed

lint: $(VENV)/installed-for-tests
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

format: $(VENV)/installed-for-tests
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

clean:
	rm -rf $(VENV) index

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/installed-for-tests: $(VENV)/installed
	$(BIN)/pip install --quiet --editable '.[test]'
	@touch $@
