"""Contenders in turns: one row of the results."""

import dataclasses
import sys

import figures
import machine
import report

NOISY = 0.1  # share of the machine that others use, beyond which a round does not count while there are quieter ones


def time_case(case, timers, options, *, work=None, unit="ms"):
    """One row: every timer (name → function of seconds giving a Round) in turns."""
    rounds = {name: [] for name in timers}
    busy = []
    for turn in range(options.rounds):
        before = machine.wait_until_quiet(options.quiet_wait)
        for name in figures.rotated(timers, turn):
            rounds[name].append(timers[name](options.seconds))
        busy.append(round(max(before, machine.wait_until_quiet(0)), 3))
        print(f"{case} round {turn + 1}/{options.rounds}: " +
              ", ".join(f"{name} {rs[-1].p50_ms:.2f} ms" for name, rs in rounds.items()) +
              (f"  (others use {busy[-1]:.0%} of the machine)" if busy[-1] > NOISY else ""), file=sys.stderr)
    counted = {name: figures.quiet_rounds(rs, busy, NOISY) for name, rs in rounds.items()}
    row = {"case": case, "work": work, "unit": unit, "others_use": busy, "noisy": min(busy) > NOISY, "speedup": {},
           "contenders": {name: {**dataclasses.asdict(figures.summarise(counted[name])),
                                 "rounds": [dataclasses.asdict(r) for r in rs]} for name, rs in rounds.items()}}
    if own := report.ours_in(row):
        row["speedup"] = {name: figures.speedup(counted[own], rs) for name, rs in counted.items() if name != own}
    return row
