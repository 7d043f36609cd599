# Vivace: everything a newcomer types. The work is done by CMake and the scripts in tools/; this file only names it.

PRESET := release
PROGRAM := build/$(PRESET)/vivace
MODEL := models/all-MiniLM-L6-v2
# Ninja where it is installed; CMake's own choice elsewhere.
GENERATOR := $(if $(shell command -v ninja),-G Ninja)
JOBS := $(shell nproc)

.PHONY: help deps configure build model demo test serve bench format lint fuzz nightly coverage clean

help: ## show this list
	@echo "Vivace: small transformers, played fast."
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

deps: ## install Debian packages and the Python environment that are missing
	@tools/install_deps.sh

configure: deps
	@test -f build/$(PRESET)/CMakeCache.txt || { mkdir -p build/$(PRESET); cmake --preset $(PRESET) $(GENERATOR) > build/$(PRESET)/configure.log \
		|| { cat build/$(PRESET)/configure.log; exit 1; }; }

build: configure ## build the release: build/release/vivace
	@cmake --build build/$(PRESET) --target vivace --parallel $(JOBS)

model: build ## fetch the default model: models/all-MiniLM-L6-v2
	@tools/get_model.sh

demo: model ## embed and search the bundled passages, then ask the server: the quickest way to see it all
	@/usr/bin/python3 tools/demo.py --program $(PROGRAM) --model $(MODEL)

test: model ## build and run every test, also under the sanitizers
	@tools/get_test_models.sh
	@.venv/bin/python tools/run_tests.py

serve: model ## serve the default model on http://localhost:8080
	@$(PROGRAM) serve --model $(MODEL)

bench: model ## measure against onnxruntime, openvino, llama.cpp and others (downloads 6 GB once, compiles llama.cpp)
	@tools/bench.sh

format: deps ## format the C++ sources
	@git ls-files -z --cached --others --exclude-standard '*.cc' '*.h' | xargs -0 clang-format-19 -i

lint: configure ## check format, layers and sizes, and run clang-tidy
	@tools/lint

fuzz: deps ## run each fuzzer for 30 seconds
	@tools/fuzz.sh 30

nightly: model ## a minute of load and failures, and tokenizers of every kind against the package's on 100000 strings
	@VIVACE_LOAD_SECONDS=60 VIVACE=$(PROGRAM) .venv/bin/python -m pytest -q -s tests/http/test_load_and_failure.py
	@VIVACE=$(PROGRAM) .venv/bin/python tests/tokenizer/differential.py --count 100000

coverage: model ## what share of the lines the tests reach, folder by folder (an hour)
	@tools/get_test_models.sh
	@tools/coverage.sh

clean: ## remove build/, keep models and environments
	@rm -rf build
