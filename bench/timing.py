"""How the calls of a contender, ours or a peer's, are timed."""

import time

MINIMUM_CALLS = 3


def timed(call, seconds):
    """Milliseconds of each call, after one that warms up."""
    call()
    times, end = [], time.perf_counter() + seconds
    while len(times) < MINIMUM_CALLS or time.perf_counter() < end:
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1e3)
    return times


def timed_each(call, texts, seconds):
    """Like timed(), with the texts in turn."""
    turn = iter(range(1 << 60))
    return timed(lambda: call(texts[next(turn) % len(texts)]), seconds)
