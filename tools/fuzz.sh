#!/usr/bin/env bash
# Builds all fuzzers and runs each for some seconds: tools/fuzz.sh [seconds] [part of a target's name]
# One summary line for each target; status 1 and the input's path when one crashed. See fuzz/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30}
filter=${2:-}
build=build/fuzz

if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: tools/fuzz.sh [seconds] [part of a target's name]" >&2
  exit 2
fi

generator=()
if [[ ! -f $build/CMakeCache.txt ]] && command -v ninja > /dev/null; then generator=(-G Ninja); fi
cmake --preset fuzz "${generator[@]}" > /dev/null
cmake --build "$build" --target fuzzers --parallel "${VIVACE_JOBS:-$(nproc)}" > "$build/build.log" 2>&1 || {
  tail -n 60 "$build/build.log" >&2
  echo "fuzz: the build failed; all of it is in $build/build.log" >&2
  exit 2
}

# Prints "target: …" for one target; fails when it crashed.
run_target() {
  local name=$1 corpus=$build/corpus/$1 artifacts=$build/artifacts/$1 log=$build/$1.log
  local options=("-max_total_time=$seconds" -timeout=10 -rss_limit_mb=3072 -print_final_stats=1
    "-artifact_prefix=$artifacts/")
  mkdir -p "$corpus" "$artifacts"
  if [[ -f fuzz/$name.dict ]]; then options+=("-dict=fuzz/$name.dict"); fi
  local seeds=()
  if [[ -d fuzz/corpus/$name ]]; then seeds=("fuzz/corpus/$name"); fi
  local status=0
  "$build/fuzz/$name" "${options[@]}" "$corpus" "${seeds[@]}" > "$log" 2>&1 || status=$?
  local executions coverage
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  coverage=$(grep -o ' cov: [0-9]*' "$log" | tail -n 1 | tr -dc '0-9' || true)
  printf '%-24s %10s executions  %6s edges  %5s inputs kept\n' "$name" "${executions:-?}" "${coverage:-?}" \
    "$(find "$corpus" -type f | wc -l)"
  if ((status != 0)); then
    grep -E 'ERROR|SUMMARY|broken invariant|runtime error' "$log" | head -n 5 >&2 || true
    echo "fuzz: $name failed on $(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1); log in $log" >&2
    return 1
  fi
}

failed=0
ran=0
for source in fuzz/*_fuzz.cc; do
  name=$(basename "$source" .cc)
  if [[ $name != *"$filter"* ]]; then continue; fi
  ran=$((ran + 1))
  run_target "$name" || failed=1
done
if ((ran == 0)); then
  echo "fuzz: no target has '$filter' in its name" >&2
  exit 2
fi
exit "$failed"
