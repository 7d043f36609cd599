"""What a result must say about where it was measured."""

import datetime
import os
import pathlib
import platform
import signal
import subprocess
import sys
import time

INTERESTING_FLAGS = ("avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile",
                     "amx_int8", "amx_bf16")


def cpu_facts(cpuinfo):
    """Model name, family and model numbers, and the flags that matter to us, of the first processor in /proc/cpuinfo."""
    facts = {}
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    flags = set(facts.get("flags", "").split())
    return {"model": facts.get("model name", "unknown"), "family": facts.get("cpu family", ""),
            "model_number": facts.get("model", ""), "cache": facts.get("cache size", ""),
            "flags": [flag for flag in INTERESTING_FLAGS if flag in flags]}


def busy_share(before, after):
    """Share of all CPUs' time that was not idle (others' virtual machines included) between two readings of the first
    line of /proc/stat."""
    spent = [b - a for a, b in zip(map(int, before.split()[1:9]), map(int, after.split()[1:9]))]
    idle = spent[3] + spent[4]
    return 1 - idle / sum(spent) if sum(spent) > 0 else 0.0


def wait_until_quiet(limit_s, share=0.1, sample_s=0.3):
    """Waits while others use more than `share` of the machine, but no longer than limit_s; answers what they used last.
    All contenders must be stopped."""
    end = time.monotonic() + limit_s
    while True:
        before = _cpu_line()
        time.sleep(sample_s)
        busy = busy_share(before, _cpu_line())
        if busy <= share or time.monotonic() >= end:
            return busy


def end_when_told():
    """SIGTERM ends this program as an error does, so that the processes that it has started and stopped do not stay behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _cpu_line():
    with open("/proc/stat", encoding="ascii") as file:
        return file.readline()


def git_id(root):
    done = subprocess.run(["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True,
                          text=True, check=False)
    return done.stdout.strip() or "unknown"


def describe(root):
    return {"cpu": cpu_facts(pathlib.Path("/proc/cpuinfo").read_text()), "cpus": len(os.sched_getaffinity(0)),
            "load_at_start": os.getloadavg()[0], "system": platform.platform(), "python": platform.python_version(),
            "git": git_id(root), "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")}
