import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from vivace_server import MODEL, PROGRAM, ROOT, Server  # noqa: E402


# Answers are compared with references of fp32, whatever the CPU is good at.
@pytest.fixture(scope="session")
def server():
    assert PROGRAM.exists(), f"{PROGRAM} is missing: run make build"
    assert (MODEL / "config.json").exists(), f"{MODEL} is missing: run make model"
    with Server("--rate-limits", "off", "--precision", "fp32") as running:
        yield running


@pytest.fixture(scope="session")
def tiny_server(tmp_path_factory):
    """For tests that care about the protocol rather than the answers: small models, quick even under the sanitizers, one
    for each system."""
    assert PROGRAM.exists(), f"{PROGRAM} is missing: run make build"
    golden = ROOT / "tests" / "golden"
    jobs = tmp_path_factory.mktemp("tiny") / "jobs.db"
    models = [f"tiny={golden}/tiny-bert", f"embedder={golden}/tiny-bert", f"entailment={golden}/heads/bert-nli",
              f"detector={golden}/detector-deberta", f"completion={golden}/t5-code"]
    with Server("--detection-jobs-file", str(jobs), "--rate-limits", "off", "--precision", "fp32", models=models) as running:
        yield running


@pytest.fixture(scope="session")
def artifacts():
    """Where tests leave what a person may want to look at."""
    folder = ROOT / "build" / "artifacts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
