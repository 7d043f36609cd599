"""Rows of AI-text detection (one pass over 120 sentences of 50 or 350 words, seconds) and of entailment (pairs a second), with
DeBERTa-v3 of the true shape, random weights and the trained tokenizer of tokenizer_files.py, so that texts have as many tokens
as with the real one. A pass of the detector takes from seconds to many minutes: those rows run only when --only names them,
with at most three rounds.
"""

import argparse
import itertools
import random
import shutil
import sys

import numpy as np

import cases
import models
import tokenizer_files
from text_servers import DetectorServer, EntailmentServer

SENTENCES = 120
WORDS = (50, 350)
LONGEST_WORD = 6  # letters: with such a tokenizer 350 of these words are about 460 tokens, and always fit the 512
SIZES = ("base", "large")
CHECKED_SENTENCES = 2
ROUNDS_OF_PASSES = 3
PAIRS = 24
PREMISE_WORDS, HYPOTHESIS_WORDS = (10, 60), (5, 15)
ENTAILMENT = "entailment, DeBERTa-v3-base"
# Of probabilities to transformers' in fp32. Ours are rounded to 4 digits by the detector's route.
TOLERANCE = {"fp32": 2e-4, "bf16": 0.02, "int8": 0.1}


def detector_name(size, words):
    return f"detector {size} {SENTENCES}x{words}"


def trained_folder(name, minilm, out):
    """A checkpoint of tools/make_random_checkpoint.py with a tokenizer that splits words as DeBERTa-v3's does."""
    made = models.checkpoint(name, out)
    shutil.copy(tokenizer_files.folder("Unigram", minilm, out) / "tokenizer.json", made / "tokenizer.json")
    return made


def sentences_of(words, count, turn):
    """Others each turn, so that nobody has seen them before."""
    chance = random.Random(f"{words} {turn}")
    known = [word for text in cases.load_passages() for word in text.split() if len(word) <= LONGEST_WORD]
    return [" ".join(chance.choices(known, k=words)) for _ in range(count)]


def make_pairs():
    chance = random.Random(7)
    known = [word for text in cases.load_passages() for word in text.split()]
    return [[" ".join(chance.choices(known, k=chance.randint(*length))) for length in (PREMISE_WORDS, HYPOTHESIS_WORDS)]
            for _ in range(PAIRS)]


def difference(found, expected):
    """The largest of two lists of lists of the same shape."""
    return max(float(np.abs(np.subtract(a, b)).max()) for a, b in zip(found, expected, strict=True))


def check(contenders, expected, precision, **what):
    spread = max(float(np.ptp(np.concatenate([np.ravel(one) for one in expected]))), 1e-9)
    for one in contenders:
        worst = difference(one.answers(**what), expected)
        print(f"checked {one.name}: probabilities differ by {worst:.1e} (theirs spread over {spread:.2f})", file=sys.stderr)
        if worst > TOLERANCE[precision]:
            raise SystemExit(f"{one.name} answers otherwise than transformers (by {worst:.1e}); nothing was timed")


def reference_answers(bench, name, model, **what):
    """Of transformers in fp32, gone before anything is timed: a large model's copies would fill the memory."""
    reference = bench.peer(name, model=model)
    answers = reference.answers(**what)
    bench.close(reference)
    return answers


def contenders_of(bench, kind, model, precision, make_server, *more):
    files = models.Files(model, bench.out)
    found = bench.open_or_skip(f"vivace's {kind} in {precision}", lambda: bench.ours(make_server, precision, model, *more))
    for engine in cases.ENCODER_PEERS[precision]:
        if engine != "torch" or precision == "bf16":  # transformers are slower by far in fp32
            found += bench.open_or_skip(f"{kind} {engine} in {precision}", lambda engine=engine: [
                bench.peer(f"{kind} {engine}", precision, files.of(engine, precision), model)])
    return found


def shown(contender):
    return contender.name.removeprefix("detector ").removeprefix("entailment ")


def add(bench):
    for precision in cases.for_encoders(bench.options.precisions):
        for size in SIZES:
            wanted = [words for words in WORDS if bench.named(bench.row_name(detector_name(size, words), precision))]
            if wanted:
                add_detector(bench, size, wanted, precision)
                bench.close_all()
        if bench.wanted(bench.row_name(ENTAILMENT, precision)):
            add_entailment(bench, precision)
            bench.close_all()


def add_detector(bench, size, all_words, precision):
    model = trained_folder(f"deberta-v3-{size}-detector", bench.options.model, bench.out)
    sample = [text for words in all_words for text in sentences_of(words, CHECKED_SENTENCES, "check")]
    expected = reference_answers(bench, "detector torch", model, sentences=sample)
    contenders = contenders_of(bench, "detector", model, precision, DetectorServer, bench.out / "detection_jobs.db")
    check(contenders, expected, precision, sentences=sample)
    once = argparse.Namespace(**{**vars(bench.options), "rounds": min(bench.options.rounds, ROUNDS_OF_PASSES)})
    for words in all_words:
        turns = itertools.count()
        timers = {shown(c): (lambda seconds, c=c, words=words: c.round(
            "one_pass", sentences=sentences_of(words, SENTENCES, next(turns)))) for c in contenders}
        bench.add_row(bench.row_name(detector_name(size, words), precision), timers, unit="s", options=once)


def add_entailment(bench, precision):
    model = trained_folder("deberta-v3-base-nli", bench.options.model, bench.out)
    pairs = make_pairs()
    expected = reference_answers(bench, "entailment torch", model, pairs=pairs)
    contenders = contenders_of(bench, "entailment", model, precision, EntailmentServer)
    check(contenders, expected, precision, pairs=pairs)
    bench.add_row(bench.row_name(ENTAILMENT, precision),
                  {shown(c): (lambda seconds, c=c: c.round("judge", pairs=pairs, seconds=seconds)) for c in contenders},
                  work=PAIRS, unit="pairs/s")
