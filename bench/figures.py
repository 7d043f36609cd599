"""Statistics over rounds. A round is one contender's calls of one case within one turn, in milliseconds a call."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Round:
    p50_ms: float
    p99_ms: float
    min_ms: float
    calls: int


def round_of(milliseconds):
    times = np.asarray(milliseconds, dtype=np.float64)
    if times.size == 0:
        raise ValueError("a round needs at least one call")
    return Round(float(np.percentile(times, 50)), float(np.percentile(times, 99)), float(times.min()), int(times.size))


def summarise(rounds):
    """Median of the rounds' medians and 99th percentiles, and the fastest call of all."""
    if not rounds:
        raise ValueError("no rounds to summarise")
    return Round(float(np.median([r.p50_ms for r in rounds])), float(np.median([r.p99_ms for r in rounds])),
                 min(r.min_ms for r in rounds), sum(r.calls for r in rounds))


def quiet_rounds(rounds, others_use, limit):
    """The rounds during which others used no more than `limit` of the machine; all of them when none was quiet."""
    quiet = [one for one, share in zip(rounds, others_use, strict=True) if share <= limit]
    return quiet or list(rounds)


def speedup(ours, theirs):
    """How many times faster we are: the median over rounds of their p50 by ours, so that both saw the same noise."""
    ratios = [b.p50_ms / a.p50_ms for a, b in zip(ours, theirs)]
    if not ratios:
        raise ValueError("no common rounds")
    return float(np.median(ratios))


def lowest_cosine(vectors, reference):
    a, b = np.asarray(vectors, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"{a.shape} vectors against {b.shape}")
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    if not (np.isfinite(norms).all() and norms.all()):
        return -1.0
    return float(((a * b).sum(1) / norms).min())


def rotated(items, turn):
    """The items in another order each turn, so that nobody always follows the same neighbour."""
    items = list(items)
    turn %= max(len(items), 1)
    return items[turn:] + items[:turn]
