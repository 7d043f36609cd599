"""The work that every contender is given: batches of random token ids, and real texts."""

import dataclasses
import json
import pathlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
CORPUS = ROOT / "examples" / "demo" / "passages.jsonl"
QUERIES = CORPUS.with_name("queries.jsonl")
PASSAGES = 250
QUESTION_WORDS = 8
SHORT_TEXTS = ("How deep is the ocean?", "the kettle is hot", "trains and public transport", "Who painted the ceiling?")
PADDED_BATCH = 32
TOKENIZER_TEXTS = 8000
SHORT_TEXT_COUNT = 4000


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    lengths: tuple  # tokens of each text
    generate: int = 0  # tokens written after it; 0: a forward pass

    @property
    def tokens(self):
        return sum(self.lengths)


def ragged_lengths():
    """256 texts as long as real ones are: median 21 tokens, a long tail."""
    normal = np.random.default_rng(1).normal(3.1, 0.75, 256)
    return tuple(int(n) for n in np.clip(np.round(np.exp(normal)), 4, 256))


@dataclasses.dataclass(frozen=True)
class Model:
    """A model and what is timed with it. Without a checkpoint it is the one that run.py is given; else
    tools/make_random_checkpoint.py makes it, with random weights of the true shape."""
    name: str
    checkpoint: str | None
    cases: tuple
    peers: dict  # precision → names


ENCODER_PEERS = {"fp32": ("onnxruntime", "openvino", "torch"), "bf16": ("openvino", "torch"),
                 "int8": ("onnxruntime", "openvino")}
# OpenVINO's quantiser works on a model of that size for many minutes, and what it makes of the base size is too coarse to be timed.
LARGE_DEBERTA_PEERS = {**ENCODER_PEERS, "int8": ("onnxruntime",)}
# CTranslate2 knows DistilBERT and T5, not DeBERTa.
DISTILBERT_PEERS = {**ENCODER_PEERS, "fp32": (*ENCODER_PEERS["fp32"], "ctranslate2"),
                    "int8": (*ENCODER_PEERS["int8"], "ctranslate2")}
# No peer here has weights in 4 bits: CTranslate2 computes in int8 beside ours.
T5_PEERS = {"fp32": ("torch-t5", "ctranslate2-t5"), "bf16": ("torch-t5",), "int8": ("ctranslate2-t5",),
            "int4": ("ctranslate2-t5",)}

MODELS = (
    Model("MiniLM", None,
          (Case("MiniLM 1x16", (16,)), Case("MiniLM 1x128", (128,)), Case("MiniLM 32x128", (128,) * 32),
           Case("MiniLM ragged x256", ragged_lengths())), ENCODER_PEERS),
    Model("DistilBERT", "distilbert-base",
          (Case("DistilBERT 1x32", (32,)), Case("DistilBERT 8x128", (128,) * 8),
           Case("DistilBERT ragged x256", ragged_lengths())), DISTILBERT_PEERS),
    Model("DeBERTa-v3-base", "deberta-v3-base",
          (Case("DeBERTa-v3-base 1x128", (128,)), Case("DeBERTa-v3-base 8x128", (128,) * 8)), ENCODER_PEERS),
    Model("DeBERTa-v3-large", "deberta-v3-large", (Case("DeBERTa-v3-large 1x440", (440,)),), LARGE_DEBERTA_PEERS),
    Model("T5-220M", "t5-220m", (Case("T5-220M 64+50", (64,), generate=50),), T5_PEERS),
)
PRECISIONS = ("fp32", "bf16", "int8", "int4")


def for_encoders(precisions):
    """Those of them that models which do not write have."""
    return [precision for precision in precisions if precision in ENCODER_PEERS]


def padded_batches(lengths):
    """(ids, mask) int64 rectangles for contenders that need them: sorted by length, 32 at a time, as their users do."""
    random = np.random.default_rng(2)
    ordered = np.sort(np.array(lengths))[::-1]
    batches = []
    for begin in range(0, len(ordered), PADDED_BATCH):
        group = ordered[begin:begin + PADDED_BATCH]
        mask = (np.arange(group.max())[None] < group[:, None]).astype(np.int64)
        batches.append((random.integers(1000, 20000, mask.shape) * mask, mask))
    return batches


def padded_ids(sequences):
    """(ids, mask) of given sequences, as one rectangle."""
    longest = max(map(len, sequences))
    ids = np.zeros((len(sequences), longest), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        ids[row, :len(sequence)] = sequence
        mask[row, :len(sequence)] = 1
    return ids, mask


def load_passages(path=CORPUS):
    """The first passages of the demo's corpus; empty when the file is missing."""
    if not path.exists():
        return []
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return [row["text"] for row in rows][:PASSAGES]


def questions():
    """What may be asked about the passages: the demo's own questions, and each passage's beginning."""
    rows = (json.loads(line) for line in QUERIES.read_text(encoding="utf-8").splitlines() if line.strip())
    return [row["text"] for row in rows] + [" ".join(text.split()[:QUESTION_WORDS]) for text in load_passages()]


def words_of(passages):
    return np.array([word for passage in passages for word in passage.split()], dtype=object)


def many_short_texts(passages):
    """As many words as SHORT_TEXTS have; so many texts that hardly one stands in a batch twice, which would be computed once."""
    random, words = np.random.default_rng(4), words_of(passages)
    lengths = [len(text.split()) for text in SHORT_TEXTS]
    return [" ".join(random.choice(words, length)) for length in random.choice(lengths, SHORT_TEXT_COUNT)]


def mixed_texts(passages):
    """Texts as long as the passages, of their words in random order: so many that no cache or branch predictor can know
    them by heart, as it would after a few turns over the passages themselves."""
    random = np.random.default_rng(3)
    lengths = [len(passage.split()) for passage in passages]
    words = words_of(passages)
    return [" ".join(random.choice(words, length)) for length in random.choice(lengths, TOKENIZER_TEXTS)]
