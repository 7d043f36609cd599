"""Generated requests against our own description of the API: what it promises holds."""

import subprocess
import sys
from pathlib import Path

from vivace_server import PATIENCE_SECONDS


def test_openapi_is_kept(tiny_server, tmp_path):
    program = Path(sys.executable).parent / "schemathesis"
    result = subprocess.run(
        [str(program), "--config-file", str(Path(__file__).with_name("schemathesis.toml")), "run",
         tiny_server.url + "/openapi.json", "--checks", "all", "--max-examples", "40", "--seed", "3", "--phases",
         "examples,coverage,fuzzing", "--request-timeout", str(PATIENCE_SECONDS), "--max-response-time",
         str(PATIENCE_SECONDS), "--no-color", "--suppress-health-check", "all"],
        capture_output=True, text=True, cwd=tmp_path, timeout=900)
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]
    assert tiny_server.get("/ready").status_code == 200
