# Each target does all the set-up it needs: `make run` and `make test` work in a fresh clone.
#
#   make run [MODEL=models/xor.net] [ARGS="--seed 1"]     train a network
#   make test [ARGS="-k dense"]                           run all tests
#   make check                                            check style, types, import contract, house rules
#   make soak [COUNT=1000000] [ARGS="--first 5000"]       fuzz the language with damaged files, none of which may crash
#                                                         it, and kill trainings at random (KILLS=100), none of which
#                                                         may lose a byte
#   make sanitize                                         check every model's compiled C kernels, equation by equation,
#                                                         and under the address and undefined-behaviour sanitizers
#   make bench [ARGS="--quick"]                           compare gpubp with other frameworks on the CPU, in an
#                                                         environment of its own
#   make cuda-check [CUDA_PYTHON=python]                  compile every model's CUDA kernels with NVRTC: needs
#                                                         the wheels of [cuda12] or [cuda13], but no GPU
#   make emulate [ARGS="-k restarts"]                     run the GPU tests on an emulated GPU, with real CuPy and
#                                                         NVRTC, and PTX run by the CPU: needs gcc, g++ and 4 GB
#                                                         of disk, takes minutes
#   make gpu-check [GPU_PYTHON=python]                    test and benchmark on a machine with a GPU, in at most 9
#                                                         minutes, or ARGS="--seconds 290"; writes a report to
#                                                         benchmarks/results/ (exit code 2: no GPU)
#   make wheels [FOR=3.12]                                download into wheels/ what gpu-check needs besides CuPy
#                                                         (4 MB), for a machine with Python 3.12 and no network
#                                                         (docs/gpu.md)
#   make clean                                            remove the environments and all caches
#
# PYTHON is the interpreter that creates the environment: `make run PYTHON=python3.12`.

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
	    tests/portable tests/cuda/test_races.py tests/editor \
	    -k "stay_in_their_memory or each_equation or test_every_model or compiled_kernels or as_graphs or every_name" $(ARGS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin dsl gpubp
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 dsl gpubp
	$(BIN)/lint-imports
	$(BIN)/python tools/lint.py

bench: $(BENCH)/peers.stamp
	@$(BENCH)/bin/python -m benchmarks.runner $(ARGS)

# An environment that already has CuPy (GPU_PYTHON) is used as it is; the default one gets the extra $(CUDA).
# The driver is queried first, so nothing is downloaded if there is no GPU.
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

# NumPy comes with CuPy. pip does not expand platform tags, so every tag that a wheel may have is listed.
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

# The benchmark has an environment of its own, created by the same rules.
$(BENCH)/peers.stamp: pyproject.toml benchmarks/requirements.txt
	@$(MAKE) --no-print-directory VENV=$(BENCH) $(BENCH)/run.stamp
	@for peer in $(PEERS); do \
	    echo "installing $$peer into $(BENCH)" >&2; \
	    $(BENCH)/bin/python -m pip --disable-pip-version-check install --quiet -c benchmarks/requirements.txt $$peer \
	        || echo "$$peer could not be installed, see above; its column stays empty" >&2; \
	done
	@touch $@

# So does the emulated GPU. One of CuPy's modules is built from source, which needs a header of the CUDA compiler.
$(EMULATED)/emulated.stamp: pyproject.toml
	@$(MAKE) --no-print-directory VENV=$(EMULATED) CUDA=cuda12 $(EMULATED)/cuda12.stamp
	@$(EMULATED)/bin/python -m pip --disable-pip-version-check install --quiet 'cuda-toolkit[nvcc]==12.*' 'cython>=3.2,<3.3' setuptools
	@touch $(EMULATED)/emulated $@

$(VENV)/made.stamp:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found; install Python 3.11 or newer, or choose one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1), gpubp needs Python 3.11 or newer; choose one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module with pip; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/run.stamp: $(VENV)/made.stamp pyproject.toml
	@echo "installing gpubp into $(VENV)" >&2
	@$(INSTALL) -e . || { echo "gpubp could not be installed, see above (a package index must be reachable)" >&2; exit 1; }
	@touch $@

$(VENV)/dev.stamp: $(VENV)/made.stamp pyproject.toml
	@echo "installing gpubp and its test tools into $(VENV)" >&2
	@$(INSTALL) -e '.[test,dev]' || { echo "the test tools could not be installed, see above (a package index must be reachable)" >&2; exit 1; }
	@touch $@ $(VENV)/run.stamp

$(VENV)/$(CUDA).stamp: $(VENV)/dev.stamp
	@echo "installing CuPy and the CUDA libraries it needs into $(VENV) (about 1 GB)" >&2
	@$(INSTALL) -e '.[$(CUDA)]' || { echo "CuPy could not be installed, see above" >&2; exit 1; }
	@touch $@
