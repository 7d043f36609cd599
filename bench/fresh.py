"""Cold start and memory: every figure comes from processes that were started for it.

usage: .venv-bench/bin/python bench/fresh.py [--program FILE] [--model DIR] [--rounds N] [--ours-only]

Cold start: from the start of a process to its first vector, page cache warm, interleaved, median of the rounds; peers are
started with Python and all their imports, and also told without them. Memory: what a server holds, and held at most,
after some requests. Writes build/bench/fresh.json.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import time

import cases
import ours
import peers

OUT = cases.ROOT / "build" / "bench"
PEERS = ("onnxruntime", "openvino", "sentence-transformers")
TEXT = "How deep is the ocean?"
REQUESTS = 200
WEIGHTS_FACTOR, PROGRAM_MB = 1.1, 40


def parse_status(text):
    """Megabytes resident now and at most, out of /proc/PID/status."""
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {key: int(lines[name].split()[0]) * 1024 / 1e6 for key, name in (("now_mb", "VmRSS"), ("most_mb", "VmHWM"))}


def start_ours(options, model):
    command = [str(options.program), "embed", "--model", str(model), "--precision", "fp32", "--threads", str(options.threads), TEXT]
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        seconds = time.perf_counter() - begin
        _, errors = process.communicate()
    if process.returncode != 0:
        raise ours.ContenderError(errors.decode(errors="replace"))
    return seconds


def start_peer(name, options, file):
    begin = time.perf_counter()
    peer = peers.Peer(name, "fp32", options.model, file, options.threads)
    peer.vectors([TEXT])
    seconds = time.perf_counter() - begin
    loading = peer.load_s
    peer.close()
    return seconds, loading


def packed(options):
    """The model as one packed file, made anew."""
    file = OUT / "fresh.vivace"
    OUT.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    subprocess.run([str(options.program), "pack", "--model", str(options.model), "--precision", "fp32", "--output", str(file)],
                   check=True, capture_output=True)
    return file


def cold_start(options):
    sources = {"vivace, safetensors": options.model, "vivace, packed": packed(options)}
    times = {name: [] for name in sources}
    loading = {}
    files = None
    if not options.ours_only:
        import models
        files = models.Files(options.model, OUT)
    for source in sources.values():
        start_ours(options, source)  # fills the page cache
    for _ in range(options.rounds):
        for name, source in sources.items():
            times[name].append(start_ours(options, source))
        for name in () if options.ours_only else PEERS:
            seconds, load_s = start_peer(name, options, files.of(name, "fp32"))
            times.setdefault(name, []).append(seconds)
            loading.setdefault(name, []).append(load_s)
    return {name: {"start_to_first_answer_s": statistics.median(all_times), "fastest_s": min(all_times),
                   **({"load_with_imports_s": statistics.median(loading[name])} if name in loading else {})}
            for name, all_times in times.items()}


def status_of(pid):
    return parse_status(pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii"))


def serving_memory(options):
    """Of ours as a server; of sentence-transformers as its users serve it, in a Python process."""
    server = ours.VivaceServer(options.program, options.model, options.threads)
    try:
        for i in range(REQUESTS):
            server.vectors([TEXT * (1 + i % 8)])
        status = status_of(server.process.pid)
    finally:
        server.close()
    weights = (options.model / "model.safetensors").stat().st_size / 1e6
    rows = {"vivace": {**status, "weights_mb": weights, "limit_mb": weights * WEIGHTS_FACTOR + PROGRAM_MB}}
    if not options.ours_only:
        peer = peers.Peer("sentence-transformers", "fp32", options.model, "-", options.threads)
        for i in range(REQUESTS):
            peer.vectors([TEXT * (1 + i % 8)])
        rows["sentence-transformers"] = status_of(peer.process.pid)
        peer.close()
    return rows


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=cases.ROOT / "build" / "release" / "vivace")
    parser.add_argument("--model", type=pathlib.Path, default=cases.ROOT / "models" / "all-MiniLM-L6-v2")
    parser.add_argument("--threads", type=int, default=min(2, len(os.sched_getaffinity(0))))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--ours-only", action="store_true", help="leave the peers out")
    options = parser.parse_args(argv)
    results = {"cold_start": cold_start(options), "memory": serving_memory(options)}
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "fresh.json").write_text(json.dumps(results, indent=1) + "\n")
    for name, row in results["cold_start"].items():
        print(f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in row.items()))
    for name, row in results["memory"].items():
        print(f"{name}, serving: " + ", ".join(f"{key} {value:.0f}" for key, value in row.items()))


if __name__ == "__main__":
    main()
