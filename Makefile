# Every target sets up what it needs: python3 (3.11 or later) with venv, and make, are enough.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test fuzz mutants lint types bench study words docs clean

# what running needs, the embedded broker of the simulated line, and the dashboard
.venv/run: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[sim,tui]' -c constraints.txt
	touch $@

# what tests, lint and types need
.venv/dev: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	touch $@ .venv/run

demo: .venv/run
	$(BIN)/python tools/demo.py

# two or more files of tests at a time: most of them wait for processes and wires
test: .venv/dev
	$(BIN)/python -m pytest -n auto --maxprocesses=4 --dist loadfile

# what fuzzing needs beside (Linux on x86-64)
.venv/fuzz: .venv/dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]' -c constraints.txt
	touch $@

fuzz: .venv/fuzz
	$(BIN)/python tools/fuzz.py

# ten times the mutated files and command lines of the tests, other ones each time
mutants: .venv/dev
	LINECTL_MUTATIONS=100000 LINECTL_MUTATION_SEED=$$(date +%s) \
	  $(BIN)/python -m pytest -q tests/config/test_mutated_files.py tests/cli/test_mutated_commands.py \
	  tests/server/api/test_mutated_requests.py

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	! git grep -nE 'https?://[^ ]*(simple|packages)/' -- '*.lock' '*.txt' '*.toml'

types: .venv/dev
	$(BIN)/mypy

bench: .venv/dev
	$(BIN)/python -m benchmarks.run

study: .venv/dev
	$(BIN)/python -m benchmarks.study_activation_energy
	$(BIN)/python -m benchmarks.study_coverage
	$(BIN)/python -m benchmarks.study_designs
	$(BIN)/python -m benchmarks.study_line
	$(BIN)/python -m benchmarks.study_day
	$(BIN)/python -m benchmarks.study_names
	$(BIN)/python -m benchmarks.study_confirmation
	$(BIN)/python -m benchmarks.study_line_answers

# after a change of the analysis: the notebook's outputs, as a fresh execution leaves them
docs: .venv/dev
	$(BIN)/python tools/make_past_trials.py
	$(BIN)/python tools/run_notebook.py

# after a change of words/fr/LC_MESSAGES/linectl.po
words: .venv/dev
	$(BIN)/python -c 'from pathlib import Path; from babel.messages.mofile import write_mo; from babel.messages.pofile import read_po; \
	  [write_mo(po.with_suffix(".mo").open("wb"), read_po(po.open("rb"))) for po in Path("linectl/words").glob("*/LC_MESSAGES/*.po")]'

clean:
	rm -rf .venv demo dist build .mypy_cache .ruff_cache .pytest_cache
