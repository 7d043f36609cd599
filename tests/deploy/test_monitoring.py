"""The example rules and dashboard: that the real tools take them, and that every metric in them exists."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy/prometheus/vivace.rules.yml"
DASHBOARD = ROOT / "deploy/grafana/vivace.json"
sys.path.insert(0, str(ROOT / "tests/http"))

from vivace_server import MODEL, Server  # noqa: E402


def promtool():
    found = shutil.which("promtool") or ROOT / ".venv/tools/usr/bin/promtool"
    if not Path(found).exists():
        pytest.skip("promtool is missing: run tools/install_deps.sh")
    return str(found)


def test_c001_12_promtool_takes_the_rules():
    checked = subprocess.run([promtool(), "check", "rules", str(RULES)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_c001_12_the_alerts_go_off():
    test = RULES.with_name("vivace.rules.test.yml")
    checked = subprocess.run([promtool(), "test", "rules", str(test)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_dashboard_has_grafanas_form():
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert {"uid", "title", "schemaVersion", "panels", "templating", "time"} <= set(dashboard)
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)) and ids
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert panel["title"] and place["w"] > 0 and place["h"] > 0 and place["x"] + place["w"] <= 24
        assert panel["datasource"]["uid"].strip("${}") in variables
        assert panel["targets"] and all(target["expr"] and target["refId"] for target in panel["targets"])


def test_every_metric_that_is_asked_for_exists():
    asked = RULES.read_text(encoding="utf-8") + DASHBOARD.read_text(encoding="utf-8")
    names = set(re.findall(r"\b((?:vivace|acgs2|process)_[a-z0-9_]+)\b", asked))
    assert len(names) > 15
    with Server(models=[f"embedder={MODEL}"]) as server:
        exported = server.get("/metrics").text
    assert [name for name in sorted(names) if not re.search(rf"^{name}[ {{]", exported, re.M)] == []
