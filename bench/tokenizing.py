"""Who takes part in a row of tokenizing, and with what share of right ids. Ours must have the ids of HF tokenizers on every odd
text before anything is timed; of the peers the share is shown. Peers that cannot be installed or cannot read a tokenizer
stand in the row with the reason.
"""

import sys

import ours
import tokenizer_files

LENGTHS = {"": list, ", long": tokenizer_files.long_texts}  # what becomes of the short texts


def row_name(kind, length):
    return f"tokenize {kind}{length}"


def equal_share(found, variants):
    """Share of texts with the right ids. variants: all ids with special tokens, and without; a peer may have either, but the
    same for all texts. A text that it failed at (None) is wrong."""
    if not found or any(len(found) != len(expected) for expected in variants):
        raise ValueError("ids of other texts")
    return max(sum(a == b for a, b in zip(found, expected)) for expected in variants) / len(found)


def reason_of(problem):
    """The first line of a failure, short enough for a table."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return (lines[0] if lines else type(problem).__name__)[:120]


class Contenders:
    def __init__(self, odd, failures):
        self.odd, self.failures = odd, failures
        self.reference, self.variants = None, None
        self.opened, self.ids_equal, self.missing = [], {}, {}

    def add_peer(self, name, make):
        """The first one is the reference."""
        try:
            peer = make()
            if self.reference is None:
                self.reference = peer
                self.variants = [peer.ids(self.odd), peer.ids(self.odd, special_tokens=False)]
            share = equal_share(peer.ids(self.odd), self.variants)
        except self.failures as problem:
            if self.variants is None:
                raise
            self.missing[name] = reason_of(problem)
            print(f"left out {name}: {self.missing[name]}", file=sys.stderr)
            return
        self._add(peer, share)
        print(f"checked {name}: ids of {share:.2%} of {len(self.odd)} odd texts equal {self.reference.name}'", file=sys.stderr)

    def add_ours(self, own):
        """Its ids are checked already."""
        self._add(own, 1.0)

    def _add(self, one, share):
        self.opened.append(one)
        self.ids_equal[one.name] = share

    def timers(self, texts):
        def timer(one):
            call = one.tokenize if isinstance(one, ours.Vivace) else one.passages
            return lambda seconds: call(texts, seconds)
        return {one.name: timer(one) for one in self.opened}
