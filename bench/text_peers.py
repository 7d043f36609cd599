"""Detection of AI-written words and entailment of pairs, as their users compute them with an encoder: HF tokenizers, padded batches
as large as the original systems take, softmax."""

import time

import numpy as np

import cases
import encoder_peers
from timing import timed

MAX_TOKENS = 512
DETECTION_BATCH, ENTAILMENT_BATCH = 32, 8
AI = 1  # the label's place
ENGINES = {"torch": encoder_peers.Torch, "onnxruntime": encoder_peers.OnnxRuntime, "openvino": encoder_peers.OpenVino}


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def word_means(values, words):
    """The mean over each word's tokens. words: of each token the number of its word, None for special ones."""
    values = np.array([value for value, word in zip(values, words) if word is not None])
    words = np.array([word for word in words if word is not None])
    return np.bincount(words, values) / np.bincount(words)


class TextPeer:
    def __init__(self, *arguments):
        self.encoder = self.engine(*arguments)
        self.packages = self.encoder.packages
        self.tokenizer = self.encoder.tokenizer
        self.tokenizer.enable_truncation(MAX_TOKENS)

    def probabilities(self, encodings):
        return softmax(np.asarray(self.encoder.hidden(*cases.padded_ids([one.ids for one in encodings])), dtype=np.float64))


class Detector(TextPeer):
    def answers(self, sentences):
        """A probability for each word of each sentence."""
        found = []
        for begin in range(0, len(sentences), DETECTION_BATCH):
            encodings = self.tokenizer.encode_batch(sentences[begin:begin + DETECTION_BATCH])
            for one, scores in zip(encodings, self.probabilities(encodings)):
                found.append(word_means(scores[:len(one.ids), AI], one.word_ids).tolist())
        return found

    def one_pass(self, sentences):
        begin = time.perf_counter()
        self.answers(sentences)
        return [(time.perf_counter() - begin) * 1e3]


class Entailment(TextPeer):
    def answers(self, pairs):
        """Probabilities of the labels of each pair (premise, hypothesis), in the model's order."""
        encodings = self.tokenizer.encode_batch([tuple(pair) for pair in pairs])
        order = np.argsort([len(one.ids) for one in encodings])
        found = [None] * len(pairs)
        for begin in range(0, len(pairs), ENTAILMENT_BATCH):
            places = order[begin:begin + ENTAILMENT_BATCH]
            for place, scores in zip(places, self.probabilities([encodings[i] for i in places])):
                found[place] = scores.tolist()
        return found

    def judge(self, pairs, seconds):
        return timed(lambda: self.answers(pairs), seconds)


PEERS = {f"{name} {engine}": type(kind.__name__, (kind,), {"engine": ENGINES[engine]})
         for name, kind in (("detector", Detector), ("entailment", Entailment)) for engine in ENGINES}
