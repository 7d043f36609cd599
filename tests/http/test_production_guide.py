"""docs/production.md names keys and metrics that there are."""

import re

from vivace_server import ROOT, serve_output

GUIDE = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")
# Names with an underscore that are neither keys nor metrics: a key's value, a CPU's feature.
OTHERS = {"when_asked", "amx_tile"}


def test_c004_24_the_guide_names_what_there_is(tiny_server):
    keys = set(re.findall(r"^(?:# )?(\w+): ", serve_output("--print-config"), re.M)) | {"evidence_store"}
    metrics = set(re.findall(r"^# TYPE (\w+) ", tiny_server.get("/metrics").text, re.M))
    named = set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+)+)`", GUIDE)) - OTHERS
    assert named - keys - metrics == set() and len(named & keys) >= 20 and len(named & metrics) >= 3
    assert len(re.findall(r"^\d+\. \*\*", GUIDE, re.M)) == 10 and GUIDE.count("\n- ") >= 7
    for path in re.findall(r"`(/\w+)`", GUIDE):
        assert tiny_server.get(path).status_code == 200, path
