"""Impact scores as the original computes them, in Python: tokenize, run the encoder, compare its first token's vector with the
keywords' (one product with NumPy), then the other six factors."""

import concurrent.futures
import sys
import time

import numpy as np

import cases
import encoder_peers
from timing import timed_each

sys.path.insert(0, str(cases.ROOT / "tests" / "impact"))
from reference_scorer import KEYWORDS, ReferenceScorer, text_of

# MiniLM's, as docs/impact.md has them; the server is given them too.
GATES = {"gate_without_keywords": 0.734, "gate_with_keywords": 0.92}


def unit(vector):
    return vector / np.linalg.norm(vector)


class Scorer(ReferenceScorer):
    def __init__(self, embed):
        super().__init__(embed, **GATES)
        self.keyword_units = np.stack([unit(vector) for vector in self.keyword_vectors])

    def nearest(self, vector):
        return float((self.keyword_units @ unit(vector)).max())


class Impact:
    """encoder: of encoder_peers; encode: a text's ids."""

    def __init__(self, encoder, encode):
        self.packages, self.encoder, self.encode = encoder.packages, encoder, encode
        self.scorer = Scorer(self.embed)

    def embed(self, text):
        return np.asarray(self.encoder.hidden(*cases.padded_ids([self.encode(text)])))[0, 0]

    def answers(self, messages):
        """(score, cosine to the nearest keyword) of each."""
        return [(self.scorer.score(message, None)[0], self.scorer.nearest(self.embed(text_of(message).lower().strip())))
                for message in messages]

    def scores(self, messages, seconds):
        return timed_each(lambda message: self.scorer.score(message, None), messages, seconds)

    def load(self, messages, clients, seconds):
        """The time by the messages scored in it, by that many threads that each send one after the other."""
        self.scorer.score(messages[0], None)
        begin = time.perf_counter()

        def client(number):
            done = 0
            while done == 0 or time.perf_counter() < begin + seconds:
                self.scorer.score(messages[(number + done * clients) % len(messages)], None)
                done += 1
            return done

        with concurrent.futures.ThreadPoolExecutor(clients) as threads:
            scored = sum(threads.map(client, range(clients)))
        return [(time.perf_counter() - begin) * 1e3 / scored]


def torch_impact(model, *rest):
    """All of it with transformers."""
    import transformers
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    return Impact(encoder_peers.Torch(model, *rest), lambda text: tokenizer(text, truncation=True, max_length=256)["input_ids"])


def onnxruntime_impact(*arguments):
    encoder = encoder_peers.OnnxRuntime(*arguments)
    return Impact(encoder, lambda text: encoder.tokenizer.encode(text).ids)


PEERS = {"impact torch": torch_impact, "impact onnxruntime": onnxruntime_impact}
