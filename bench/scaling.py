"""How ours grows: with threads, with the length of a text, with the number of tokens written.

usage: .venv-bench/bin/python bench/scaling.py [--program FILE] [--model DIR] [--precision P] [--threads N] [--rounds N]

Compares a row's figures with its first one: 32 texts of 128 tokens on one thread and on all, texts of 512 to 8192 tokens
with those of 128 (random weights of MiniLM's shape), and the time of a written token early and late (T5-220M). Rounds
take turns; medians and the fastest are told. Writes build/bench/scaling.json.
"""

import argparse
import json
import os
import pathlib
import statistics

import cases
import models
import ours

OUT = cases.ROOT / "build" / "bench"
BATCH = cases.Case("32x128", (128,) * 32)
LENGTHS = (128, 512, 2048, 8192)
WRITTEN = (1, 32, 128, 256)
SOURCE_TOKENS = 64


def in_turns(timers, rounds):
    """Milliseconds of each of the timers (name → function giving a figures.Round): {"median": …, "fastest": …}."""
    seen = {name: [] for name in timers}
    for _ in range(rounds):
        for name, timer in timers.items():
            seen[name].append(timer())
    return {name: {"median": statistics.median(r.p50_ms for r in rs), "fastest": min(r.min_ms for r in rs)}
            for name, rs in seen.items()}


def thread_scaling(options):
    counts = (1, options.threads)
    timers = {count: (lambda one=ours.Vivace(options.program, options.model, count, options.precision):
                      one.forward(BATCH, options.seconds)) for count in counts}
    times = in_turns(timers, options.rounds)
    return {f"{count} threads": {key: times[1][key] / times[count][key] for key in times[count]} for count in counts}


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
            print(f"  {name:18}" + "".join(f"{key} {value:.4g}  " for key, value in row.items()))


if __name__ == "__main__":
    main()
