"""Builds and runs all tests, and sums them up in one last line: "N passed, N failed, N skipped".

usage: .venv/bin/python tools/run_tests.py [--only STAGE]

Stages: release (all C++ and Python tests), asan-ubsan (all C++ tests and the HTTP tests under the address and
undefined-behaviour sanitizers), tsan (the C++ tests of everything with threads). Only when named: coverage (as release, but
of a program that counts its lines; tools/coverage.sh). The exit status is 1 when a test failed or a stage could not be
built.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
THREADED_TESTS = ("base_test", "engine_test", "runtime_test", "completion_test", "detection_test", "claims_test",
                  "server_test")
TEST_SECONDS = 900  # for one C++ test program; they are stuck beyond that


class Totals:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed, failed, skipped):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped


def say(text):
    print(f"\n== {text}", flush=True)


def sanitizer_environment():
    """Sanitizers end the program at the first finding; leaks count."""
    environment = dict(os.environ)
    environment["ASAN_OPTIONS"] = "detect_leaks=1:abort_on_error=0:exitcode=99"
    environment["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1"
    environment["TSAN_OPTIONS"] = "halt_on_error=1:second_deadlock_stack=1"
    return environment


def build(preset, targets):
    """True when the preset's targets were built. An empty list means all."""
    directory = ROOT / "build" / preset
    directory.mkdir(parents=True, exist_ok=True)
    log_path = directory / "build.log"
    configure = ["cmake", "--preset", preset]
    if shutil.which("ninja") and not (directory / "CMakeCache.txt").exists():
        configure += ["-G", "Ninja"]
    make = ["cmake", "--build", str(directory), "--parallel", str(len(os.sched_getaffinity(0)))]
    if targets:
        make += ["--target", *targets]
    start = time.monotonic()
    with open(log_path, "w", encoding="utf-8") as log:
        for command in (configure, make):
            if subprocess.run(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, check=False).returncode != 0:
                log.flush()
                print("\n".join(log_path.read_text(encoding="utf-8").splitlines()[-60:]))
                print(f"{preset}: the build failed; all of it is in {log_path.relative_to(ROOT)}")
                return False
    print(f"{preset}: built in {time.monotonic() - start:.0f} s")
    return True


def known_tests(preset):
    """Names of the C++ test programs, as ctest lists them."""
    listing = subprocess.run(["ctest", "--test-dir", str(ROOT / "build" / preset), "--show-only=json-v1"],
                             capture_output=True, text=True, check=True)
    return [test["name"] for test in json.loads(listing.stdout)["tests"]]


def count_cases(path):
    """(passed, failed, skipped) of a JUnit or GoogleTest file."""
    passed = failed = skipped = 0
    for case in xml.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None or case.get("status") == "notrun" or case.get("result") == "skipped":
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def run_cpp_tests(preset, names, totals):
    """Runs GoogleTest programs through ctest and counts their cases."""
    results = ROOT / "build" / preset / "test-results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    environment = sanitizer_environment()
    environment["GTEST_OUTPUT"] = f"xml:{results}/"
    for name in names:
        start = time.monotonic()
        done = subprocess.run(["ctest", "--test-dir", str(ROOT / "build" / preset), "--tests-regex", f"^{name}$",
                               "--output-on-failure", "--timeout", str(TEST_SECONDS)],
                              env=environment, capture_output=True, text=True, check=False)
        cases = results / f"{name}.xml"
        try:
            counts = count_cases(cases) if cases.exists() else (0, 0, 0)
        except xml.ParseError:
            counts = (0, 0, 0)  # it died while writing
        if done.returncode != 0 and counts[1] == 0:
            counts = (counts[0], 1, counts[2])  # it ended before it could tell which case failed
        if done.returncode != 0:
            print(done.stdout[-12000:])
        totals.add(*counts)
        print(f"{preset} {name}: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped"
              f" ({time.monotonic() - start:.1f} s)", flush=True)
    if not names:
        print(f"{preset}: no C++ tests were found")
        totals.add(0, 1, 0)


def run_pytest(label, paths, program, totals):
    results = ROOT / "build" / f"pytest-{label}.xml"
    results.parent.mkdir(exist_ok=True)
    results.unlink(missing_ok=True)
    environment = sanitizer_environment()
    environment["VIVACE"] = str(program)
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider",
                           f"--junitxml={results}", *map(str, paths)], cwd=ROOT, env=environment, check=False)
    counts = count_cases(results) if results.exists() else (0, 0, 0)
    if done.returncode != 0 and counts[1] == 0:
        counts = (counts[0], 1, counts[2])
    totals.add(*counts)


def run_all(preset, totals):
    if not build(preset, []):
        return totals.add(0, 1, 0)
    run_cpp_tests(preset, known_tests(preset), totals)
    python_tests = [path for path in (ROOT / "tests", ROOT / "bench") if any(path.rglob("test_*.py"))]
    return run_pytest(preset, python_tests, ROOT / "build" / preset / "vivace", totals)


def run_release(totals):
    return run_all("release", totals)


def run_coverage(totals):
    return run_all("coverage", totals)


def run_asan(totals):
    if not build("asan-ubsan", []):
        return totals.add(0, 1, 0)
    run_cpp_tests("asan-ubsan", known_tests("asan-ubsan"), totals)
    http_tests = ROOT / "tests" / "http"
    return run_pytest("asan-ubsan", [http_tests], ROOT / "build" / "asan-ubsan" / "vivace", totals)


def run_tsan(totals):
    if not build("tsan", ["help"]):  # configures; which tests there are is known only then
        return totals.add(0, 1, 0)
    names = [name for name in known_tests("tsan") if name in THREADED_TESTS]
    if not build("tsan", names):
        return totals.add(0, 1, 0)
    return run_cpp_tests("tsan", names, totals)


STAGES = {"release": run_release, "asan-ubsan": run_asan, "tsan": run_tsan}
WHEN_NAMED = {"coverage": run_coverage}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=[*STAGES, *WHEN_NAMED], help="run one stage")
    options = parser.parse_args()
    totals = Totals()
    start = time.monotonic()
    for stage, run in (STAGES if options.only is None else {options.only: (STAGES | WHEN_NAMED)[options.only]}).items():
        say(f"{stage} tests")
        run(totals)
    print(f"\nall of it took {(time.monotonic() - start) / 60:.1f} minutes")
    print(f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped")
    return 1 if totals.failed or not totals.passed else 0


if __name__ == "__main__":
    sys.exit(main())
