"""Fixtures for the tests of the command line."""

import pytest

from cli_runner import MINILM, PROGRAM, ROOT, Cli


@pytest.fixture
def cli(tmp_path):
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} is missing; run make build")
    return Cli(tmp_path)


@pytest.fixture
def fp32(cli):
    """For answers that are compared with a reference of fp32: by itself the program takes bf16 where the CPU is good at it."""
    cli.environment["VIVACE_PRECISION"] = "fp32"


@pytest.fixture(scope="session")
def minilm():
    if not (MINILM / "model.safetensors").exists():
        pytest.fail(f"{MINILM} is missing; run make model")
    return MINILM.resolve()


@pytest.fixture(scope="session")
def tiny():
    """A seeded BERT of a few kilobytes: for everything where the vectors' meaning does not matter."""
    return (ROOT / "tests" / "golden" / "tiny-bert").resolve()
