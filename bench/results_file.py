"""build/bench/results.json: written after every row, so that a run which was stopped can go on (run.py --resume)."""

import hashlib
import json
import os

# What must be the same for rows to stand in one table.
SAME = ("cpu", "cpus", "program", "threads", "rounds", "seconds")


def empty():
    return {"checks": {}, "rows": [], "notes": {}, "skipped": []}


def digest(program):
    """Of the measured program's bytes; "" when there is none."""
    return hashlib.sha256(program.read_bytes()).hexdigest() if program.exists() else ""


def save(file, facts, results):
    """Replaces the file as a whole: whoever stops the run finds the rows of before."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(json.dumps({"machine": facts, **results}, indent=1) + "\n", encoding="utf-8")
    os.replace(new, file)


def put(rows, row):
    """Adds the row, or replaces the one of the same case."""
    same = next((index for index, one in enumerate(rows) if one["case"] == row["case"]), len(rows))
    rows[same:same + 1] = [row]


def read(file, facts):
    """The results of an earlier run and the versions it saw. SystemExit when there are none, or when they are of another machine,
    program or way to measure."""
    try:
        results = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SystemExit(f"{file} is missing: nothing to resume; leave --resume out") from None
    earlier = results.pop("machine")
    for name in SAME:
        if earlier.get(name) != facts[name]:
            raise SystemExit(f"{file} has another {name} ({earlier.get(name)}) than this run ({facts[name]}): leave --resume out")
    return results, earlier["versions"]
