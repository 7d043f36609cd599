"""The suite of all stores on a real PostgreSQL, with pgvector and without."""

import os
import pathlib
import subprocess

import pytest

from postgres_server import PostgresServer, find_programs

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITE = ROOT / "build" / "release" / "store_test"


@pytest.fixture(scope="module")
def postgres():
    if find_programs() is None:
        pytest.skip("there is no PostgreSQL: neither the package pgserver nor Debian's postgresql")
    with PostgresServer() as server:
        yield server


@pytest.mark.parametrize("vectors", ["pgvector", "arrays"])
def test_c004_20_the_suite_of_all_stores(postgres, vectors):
    if not SUITE.exists():
        pytest.skip(f"{SUITE} is not built")
    done = subprocess.run([SUITE, "--gtest_filter=*ostgres*"], capture_output=True, text=True, timeout=600, check=False, cwd=ROOT,
                          env=os.environ | {"VIVACE_TEST_POSTGRES": postgres.address(), "VIVACE_TEST_POSTGRES_VECTORS": vectors})
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "[  PASSED  ]" in done.stdout and "C004_19_KeepsEvidence/postgres" in done.stdout
    assert "SKIPPED" not in done.stdout, done.stdout[-3000:]
