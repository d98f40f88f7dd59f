# Each target does all the set-up it needs: `make run` and `make test` work in a fresh clone.
#
#   make run [MODEL=models/xor.net] [ARGS="--seed 1"]     train a network
#   make test [ARGS="-k dense"]                           all tests
#   make soak [COUNT=1000000] [ARGS="--first 5000"]       damaged files by the million: none may crash the language;
#                                                         KILLS=100 trainings killed at random: none may lose a byte
#   make sanitize                                         every model's compiled kernels, equation by equation, and under the
#                                                         address and undefined-behaviour sanitizers
#   make check                                            style, types, import contract, house rules
#   make bench [ARGS="--quick"]                           gpubp beside its peers on the CPU, in an environment of its own
#   make cuda-check [CUDA_PYTHON=python]                  every kernel of every model through NVIDIA's compiler, which
#                                                         needs the wheels of [cuda12] or [cuda13], and no GPU
#   make emulate [ARGS="-k restarts"]                     the tests for a GPU on an emulated one: real CuPy and NVRTC, PTX run
#                                                         by the processor; needs gcc and g++, takes minutes, 4 GB of disk
#   make gpu-check [GPU_PYTHON=python]                    on a machine with a GPU: tests and benchmark within 9 minutes,
#                                                         or ARGS="--seconds 290"; a report in benchmarks/results/ (exit
#                                                         code 2: no GPU)
#   make wheels [FOR=3.12]                                what gpu-check needs beside CuPy, for a machine without network
#                                                         and with Python 3.12, into wheels/ (4 MB); docs/gpu.md says how
#   make clean                                            remove the environment and all caches
#
# PYTHON is the Python that the environment is made with: `make run PYTHON=python3.12`.

PYTHON ?= python3
VENV ?= .venv
BENCH ?= .bench
EMULATED ?= .emulated
MODEL ?= models/xor.net
ARGS ?=
CUDA ?= cuda12
COUNT ?= 1000000
KILLS ?= 100

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PEERS := torch jax scikit-learn tinygrad matplotlib
INSTALL = $(PIP) install --quiet

.DEFAULT_GOAL := help
.PHONY: help run test soak sanitize check bench cuda-check emulate gpu-check wheels clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^#   //p' Makefile

run: $(VENV)/run.stamp
	@$(BIN)/python -m gpubp run $(MODEL) $(ARGS)

test: $(VENV)/dev.stamp
	@$(BIN)/python -m pytest -n auto $(ARGS)

soak: $(VENV)/dev.stamp
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -u -m tests.robustness.kills $(KILLS)
	@$(BIN)/python -u -m tests.robustness.soak $(COUNT) $(ARGS)

sanitize: $(VENV)/dev.stamp
	@$(BIN)/python -m pytest -n auto -m "" tests/render/test_c_text.py tests/render/test_c_source.py tests/executor/test_native.py \
	    tests/portable -k "stay_in_their_memory or each_equation or test_every_model or compiled_kernels" $(ARGS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/lint.py

bench: $(BENCH)/peers.stamp
	@$(BENCH)/bin/python -m benchmarks.runner $(ARGS)

# An environment that has cupy already (GPU_PYTHON) is used as it is; the default one gets the extra $(CUDA).
# The driver is asked first: without a GPU nothing is downloaded.
ifdef GPU_PYTHON
gpu-check:
	@$(GPU_PYTHON) tools/find_gpu.py
	@$(GPU_PYTHON) -m tools.gpu_check $(ARGS)
else
gpu-check: $(VENV)/dev.stamp
	@$(BIN)/python tools/find_gpu.py
	@$(MAKE) --no-print-directory $(VENV)/$(CUDA).stamp
	@$(BIN)/python -m tools.gpu_check $(ARGS)
endif

# NumPy comes with CuPy. pip takes the names of platforms as they are, so each is named that a wheel may have.
FOR ?= 3.12
WHEELS := lark platformdirs safetensors threadpoolctl pytest pytest-xdist hypothesis \
    execnet sortedcontainers iniconfig packaging pluggy pygments
wheels: $(VENV)/made.stamp
	@$(PIP) download --quiet --dest wheels --no-deps --only-binary=:all: --implementation cp --python-version $(FOR) \
	    $(foreach n,2_28 2_27 2_17 2_5,--platform manylinux_$(n)_x86_64) --platform manylinux2014_x86_64 $(WHEELS)
	@du -sh wheels

CUDA_PYTHON ?= $(BIN)/python
cuda-check: $(VENV)/dev.stamp
	@$(CUDA_PYTHON) -m pytest -q tests/cuda/test_nvrtc.py tests/cuda/test_cublaslt.py $(ARGS)

emulate: $(EMULATED)/emulated.stamp
	@$(EMULATED)/bin/python -m tests.emulator.build
	@$(EMULATED)/bin/python -m pytest -n auto tests/emulator tests/gpu $(ARGS)

clean:
	rm -rf $(VENV) $(BENCH) $(EMULATED) wheels .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist soak-*.net
	find gpubp dsl tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment of the benchmark is made by the same rules, in a folder of its own.
$(BENCH)/peers.stamp: pyproject.toml benchmarks/requirements.txt
	@$(MAKE) --no-print-directory VENV=$(BENCH) $(BENCH)/run.stamp
	@for peer in $(PEERS); do \
	    echo "installing $$peer into $(BENCH)" >&2; \
	    $(BENCH)/bin/python -m pip --disable-pip-version-check install --quiet -c benchmarks/requirements.txt $$peer \
	        || echo "$$peer could not be installed: the lines above say why; its column stays empty" >&2; \
	done
	@touch $@

# So is that of the emulated GPU. One of CuPy's modules is built from its text, and a header of the compiler is needed.
$(EMULATED)/emulated.stamp: pyproject.toml
	@$(MAKE) --no-print-directory VENV=$(EMULATED) CUDA=cuda12 $(EMULATED)/cuda12.stamp
	@$(EMULATED)/bin/python -m pip --disable-pip-version-check install --quiet 'cuda-toolkit[nvcc]==12.*' 'cython>=3.2,<3.3' setuptools
	@touch $(EMULATED)/emulated $@

$(VENV)/made.stamp:
	@command -v $(PYTHON) >/dev/null || { echo "there is no $(PYTHON); install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1), gpubp needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module with pip; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/run.stamp: $(VENV)/made.stamp pyproject.toml
	@echo "installing gpubp into $(VENV)" >&2
	@$(INSTALL) -e . || { echo "gpubp could not be installed; the lines above say why (a package index must be in reach)" >&2; exit 1; }
	@touch $@

$(VENV)/dev.stamp: $(VENV)/made.stamp pyproject.toml
	@echo "installing gpubp and its test tools into $(VENV)" >&2
	@$(INSTALL) -e '.[test,dev]' || { echo "the test tools could not be installed; the lines above say why (a package index must be in reach)" >&2; exit 1; }
	@touch $@ $(VENV)/run.stamp

$(VENV)/$(CUDA).stamp: $(VENV)/dev.stamp
	@echo "installing cupy and the CUDA libraries it needs into $(VENV) (about 1 GB)" >&2
	@$(INSTALL) -e '.[$(CUDA)]' || { echo "cupy could not be installed; the lines above say why" >&2; exit 1; }
	@touch $@
