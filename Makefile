# Two commands on a fresh machine: `make demo` and `make test`. Everything they
# need they install themselves (tools/bootstrap says what, and how).
#
#   make demo       the MES momentum strategy end to end, ending with its speed line
#   make test       every check: C, sanitizers, Python, command, parity, style, types
#   make build      library, command and C tests in build/c
#   make install    the Python package and both commands into .venv
#   make check      the quick half of `make test`: no lumibot runs
#   make bench      the benchmarks behind the README's figures (ARGS=cross for one of them)
#   make determinism  the same runs with library and extension of each compiler, byte for byte
#   make counts     count the hot paths' instructions anew and keep them as the baseline
#   make profile    flame graphs of a run in C and of one in Python, in build/profile
#   make format     clang-format and ruff over the tree
#   make fuzz       a minute of libFuzzer for each reader of foreign bytes (clang; ARGS=SECONDS)

SHELL := /bin/bash
.DELETE_ON_ERROR:
.SUFFIXES:

VENV := .venv
PY := $(VENV)/bin/python
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
SHARED ?= $(abspath ../shared)
export MILLIBAR_SHARED ?= $(SHARED)
export MBAR ?= $(abspath build/c/mbar)
CMAKE_ARGS := -G Ninja -DMILLIBAR_TESTS=ON -DMILLIBAR_BENCH=ON -DMILLIBAR_WERROR=ON
PACKAGE_SOURCES := $(shell find python/millibar python/ext src include cli cmake -type f \
	! -name '*.so' ! -path '*__pycache__*' 2>/dev/null)

.PHONY: demo test build install check bench counts check-counts determinism profile format lint types sanitize ctest pytest fuzz clean ladder

# lumibot has no part in it: its strategy file runs on millibar's own engine.
demo: .cache/package build
	@mkdir -p .demo
	$(MBAR) synth --symbol MES --seed 7 --from 2024-01-02 --to 2024-01-06 --out .demo/MES.parquet
	$(MBAR) info .demo/MES.parquet
	$(VENV)/bin/millibar run examples/mes_momentum.py --data MES=.demo/MES.parquet \
		--start "2024-01-03 09:30" --end "2024-01-05 16:00" --fee 0.5 --profile --out .demo/run

test: ladder lint types ctest check-counts determinism sanitize pytest

check: ladder lint types ctest
	$(PY) -m pytest -m "not slow"

build: .cache/system .cache/venv
	@cmake -S . -B build/c $(CMAKE_ARGS) -DPython3_EXECUTABLE=$(abspath $(PY)) >build/cmake.log 2>&1 \
		|| { mkdir -p build; cat build/cmake.log; exit 1; }
	@cmake --build build/c -j $(JOBS) -- --quiet

install: .cache/installed

# The zone tests are exact against the tzdata release that the venv pins.
ctest: build .cache/installed
	MILLIBAR_TZDATA=$$($(PY) -c 'import tzdata, os; print(os.path.dirname(tzdata.__file__))')/zoneinfo \
	ctest --test-dir build/c --output-on-failure -j $(JOBS)

# The same C tests under AddressSanitizer and UndefinedBehaviorSanitizer.
sanitize: .cache/system .cache/venv
	@mkdir -p build
	@cmake -S . -B build/asan $(CMAKE_ARGS) -DMILLIBAR_SANITIZE=address,undefined \
		-DPython3_EXECUTABLE=$(abspath $(PY)) >build/asan.log 2>&1 || { cat build/asan.log; exit 1; }
	@cmake --build build/asan -j $(JOBS) -- --quiet
	ctest --test-dir build/asan --output-on-failure -j $(JOBS)

pytest: .cache/installed build
	$(PY) -m pytest

lint: .cache/installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: .cache/installed
	$(PY) -m mypy
	$(VENV)/bin/pyright --pythonpath $(PY)

ladder:
	python3 tools/check_ladder.py

bench: .cache/installed build
	$(PY) bench/run.py $(ARGS)

# Instructions, not times: they repeat on a busy machine.
check-counts: build
	python3 tools/check_counts build/c/bench_counts build/c

determinism: .cache/installed build
	$(PY) tools/check_builds build/c --jobs $(JOBS)

counts: build
	python3 tools/check_counts build/c/bench_counts build/c --update

profile: .cache/installed build
	$(PY) tools/profile $(ARGS)

fuzz: .cache/system .cache/venv
	tools/fuzz $(ARGS)

format:
	clang-format -i $$(git ls-files '*.c' '*.h')
	$(VENV)/bin/ruff check --fix . ; $(VENV)/bin/ruff format .

clean:
	rm -rf build .cache .demo

# ---- What is missing gets installed ------------------------------------------
.cache/system: tools/bootstrap
	@mkdir -p .cache build
	@tools/bootstrap system
	@touch $@

.cache/venv: .cache/system pyproject.toml
	@tools/bootstrap venv $(VENV)
	@touch $@

# The package and what the demo's strategy itself imports; the rest is for the tests.
.cache/package: .cache/venv $(PACKAGE_SOURCES) pyproject.toml CMakeLists.txt
	@echo "building the Python package"
	@$(PY) -m pip install --quiet '.[pandas]' 'pandas==2.3.3'
	@touch $@

.cache/installed: .cache/venv $(PACKAGE_SOURCES) pyproject.toml CMakeLists.txt
	@echo "building the Python package"
	@$(PY) -m pip install --quiet '.[lumibot,dev]'
	@touch .cache/package $@
