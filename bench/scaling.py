"""How ours grows: with threads, with the length of a text, with the number of tokens written.

usage: .venv-bench/bin/python bench/scaling.py [--program FILE] [--model DIR] [--precision P] [--threads N] [--rounds N]

Compares a row's figures with its first one: 32 texts of 128 tokens on one thread and on all, texts of 512 to 8192 tokens
with those of 128 (random weights of MiniLM's shape), and the time of a written token early and late (T5-220M). Rounds
take turns; medians and the fastest are told. What threads can gain on this machine, two lines tell: programs of one thread
each at the same time, which share nothing but the machine, and onnxruntime's gain. Writes build/bench/scaling.json.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import statistics

import cases
import models
import ours
import peers

OUT = cases.ROOT / "build" / "bench"
BATCH = cases.Case("32x128", (128,) * 32)
LENGTHS = (128, 512, 2048, 8192)
WRITTEN = (1, 32, 128, 256)
SOURCE_TOKENS = 64
PEER = "onnxruntime"


def in_turns(timers, rounds):
    """Milliseconds of each of the timers (name → function giving a figures.Round): {"median": …, "fastest": …}."""
    seen = {name: [] for name in timers}
    for _ in range(rounds):
        for name, timer in timers.items():
            seen[name].append(timer())
    return {name: {"median": statistics.median(r.p50_ms for r in rs), "fastest": min(r.min_ms for r in rs)}
            for name, rs in seen.items()}


def thread_scaling(options):
    """How many times as much as one thread is computed: by all threads, and by as many programs of one thread each."""
    count = options.threads
    timers = {threads: (lambda one=ours.Vivace(options.program, options.model, threads, options.precision):
                        one.forward(BATCH, options.seconds)) for threads in (1, count)}
    timers["at once"] = lambda: at_once(timers[1], count)
    with contextlib.ExitStack() as opened:
        for threads in (1, count) if options.precision in ("fp32", "int8") else ():
            peer = peers.Peer(PEER, options.precision, options.model, models.Files(options.model, OUT).of(PEER, options.precision),
                              threads)
            opened.callback(peer.close)
            timers[PEER, threads] = lambda peer=peer: peer.forward(BATCH, options.seconds)
        times = in_turns(timers, options.rounds)

    def gain(alone, together, times_as_much=1):
        return {key: times_as_much * times[alone][key] / times[together][key] for key in times[alone]}

    rows = {f"{count} threads": gain(1, count), f"{count} programs": gain(1, "at once", count)}
    if (PEER, count) in timers:
        rows[f"{PEER}, {count} threads"] = gain((PEER, 1), (PEER, count))
    return rows


def at_once(timer, count):
    """The slowest of so many that run at the same time."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        rounds = list(pool.map(lambda _: timer(), range(count)))
    return max(rounds, key=lambda one: one.p50_ms)


def length_scaling(options):
    """Time of a token in texts of each length, of that in the shortest ones. As many tokens in all, but for the longest."""
    one = ours.Vivace(options.program, models.checkpoint("minilm-long", OUT), options.threads, options.precision)
    texts = {length: max(1, 4096 // length) for length in LENGTHS}
    timers = {length: (lambda length=length, count=count:
                       one.forward(cases.Case(f"{count}x{length}", (length,) * count), options.seconds))
              for length, count in texts.items()}
    times = in_turns(timers, options.rounds)
    a_token = {length: {key: value / (length * texts[length]) for key, value in row.items()} for length, row in times.items()}
    return relative({f"{length} tokens": row for length, row in a_token.items()})


def decode_scaling(options):
    """Time of a written token between two counts: what reading the source takes falls away."""
    one = ours.Vivace(options.program, models.checkpoint("t5-220m", OUT), options.threads, options.precision)
    timers = {count: (lambda count=count: one.generate(cases.Case(f"{count}", (SOURCE_TOKENS,), count), options.seconds))
              for count in WRITTEN}
    times = in_turns(timers, options.rounds)
    return relative({f"tokens {a} to {b}": {key: (times[b][key] - times[a][key]) / (b - a) for key in times[b]}
                     for a, b in zip(WRITTEN, WRITTEN[1:])})


def relative(rows):
    """Adds to each row what it is of the first."""
    first = next(iter(rows.values()))
    return {name: {**row, **{f"{key} of first": row[key] / first[key] for key in row}} for name, row in rows.items()}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=cases.ROOT / "build" / "release" / "vivace")
    parser.add_argument("--model", type=pathlib.Path, default=cases.ROOT / "models" / "all-MiniLM-L6-v2")
    parser.add_argument("--precision", choices=cases.PRECISIONS, default="fp32")
    parser.add_argument("--threads", type=int, default=min(2, len(os.sched_getaffinity(0))))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each measurement")
    options = parser.parse_args(argv)
    results = {"speed of one thread, times": thread_scaling(options), "milliseconds a token, read": length_scaling(options),
               "milliseconds a token, written": decode_scaling(options)}
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "scaling.json").write_text(json.dumps({"precision": options.precision, **results}, indent=1) + "\n")
    for title, rows in results.items():
        print(f"{title} ({options.precision})")
        for name, row in rows.items():
            print(f"  {name:24}" + "".join(f"{key} {value:.4g}  " for key, value in row.items()))


if __name__ == "__main__":
    main()
