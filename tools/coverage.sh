#!/usr/bin/env bash
# Runs all C++ and Python tests on a build that counts its lines, and says for each folder of src/ what share of them was
# reached: tools/coverage.sh. The lines are in build/coverage/html/index.html. Takes about an hour on two cores.
#
# Threads may lose each other's counts (-fprofile-update=single): what is asked is whether a line was reached, and counts that
# are exact make kernels many times slower. But g++ lets loops run by such a count, so that another thread's makes them run
# off the end of their arrays: -fno-ivopts forbids it. Seen with g++ 12: emulated tables in ops_test.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/coverage
python=.venv/bin/python

$python -m gcovr --version > /dev/null 2>&1 ||
  $python -m pip install --quiet --disable-pip-version-check gcovr==8.8
if [[ -d $build ]]; then find "$build" -name '*.gcda' -delete; fi  # what an earlier run has counted
status=0
$python tools/run_tests.py --only coverage || status=$?

# Tests and what they share are not what is measured.
mkdir -p "$build/html"
$python -m gcovr --root . --filter src/ --exclude '.*_test\.cc' --exclude '.*_testing\.(cc|h)' --exclude '.*_test_base\.h' \
  --gcov-ignore-parse-errors all --gcov-ignore-errors source_not_found -j "$(nproc)" \
  --json-summary "$build/coverage.json" --html-details "$build/html/index.html" "$build" > "$build/gcovr.log" 2>&1 || {
  tail -n 20 "$build/gcovr.log" >&2
  exit 2
}
$python - "$build/coverage.json" << 'END' || status=$?
import collections, json, sys

summary = json.load(open(sys.argv[1], encoding="utf-8"))
folders = collections.defaultdict(lambda: [0, 0])
for file in summary["files"]:
    parts = file["filename"].split("/")
    folder = "/".join(parts[1:3] if parts[1] == "apps" else parts[1:2])
    folders[folder][0] += file["line_covered"]
    folders[folder][1] += file["line_total"]
for folder, (reached, lines) in sorted(folders.items()):
    print(f"{folder:<18} {reached:>6} of {lines:>6} lines  {100 * reached / max(lines, 1):5.1f} %")
print(f"{'all':<18} {summary['line_covered']:>6} of {summary['line_total']:>6} lines  {summary['line_percent']:5.1f} %")
END
exit "$status"
