#!/usr/bin/env bash
# Makes .venv-bench with the peers (once), then measures them against the release build. Options go to bench/run.py.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=bench/requirements.txt
stamp=.venv-bench/requirements.installed
if [[ ! -x .venv-bench/bin/python ]] || ! cmp -s "$requirements" "$stamp"; then
  echo "Making .venv-bench from $requirements (about 6 GB, once)"
  [[ -x .venv-bench/bin/python ]] || /usr/bin/python3 -m venv .venv-bench
  .venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
  cp "$requirements" "$stamp"
fi
exec .venv-bench/bin/python bench/run.py "$@"
