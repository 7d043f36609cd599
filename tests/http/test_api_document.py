"""The commands of docs/api.md run against a live server, and what it says of keys and routes is so."""

import re
import subprocess

import pytest

from vivace_server import MODEL, PATIENCE_SECONDS, ROOT, Server, serve_output

DOCUMENT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
COMMANDS = [block for block in re.findall(r"^```sh\n(.*?)^```$", DOCUMENT, re.M | re.S) if "localhost:8080" in block]


@pytest.fixture(scope="module")
def default_server():
    with Server(models=[f"all-MiniLM-L6-v2={MODEL}"]) as server:
        yield server


@pytest.mark.parametrize("commands", COMMANDS)
def test_commands(default_server, commands):
    commands = commands.replace("http://localhost:8080", default_server.url)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], capture_output=True, text=True,
                          timeout=PATIENCE_SECONDS)
    assert done.returncode == 0 and done.stdout, done.stdout + done.stderr


def test_every_route_is_described(default_server):
    for path in default_server.get("/openapi.json").json()["paths"]:
        assert f"{path}`" in DOCUMENT, path


def test_every_key_is_described():
    keys = re.findall(r"^(?:# )?(\w+): ", serve_output("--print-config"), re.M)
    assert len(keys) > 20
    for key in keys:
        assert f"`{key}`" in DOCUMENT, key
