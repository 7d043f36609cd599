"""One peer in a process of its own: reads one JSON command a line, answers one JSON object a line.

usage: peer_worker.py NAME PRECISION MODEL_DIR FILE THREADS     (started by run.py, not by hand)
FILE is what models.Files makes for the peer. Commands: {"do":"vectors","texts":[…]}, {"do":"ids","texts":[…]} (of
HF tokenizers also with "special_tokens":false), {"do":"forward","lengths":[…],"seconds":S}, {"do":"texts","texts":[…],"seconds":S} (one call a text),
{"do":"passages","texts":[…],"seconds":S} (one call for all); of models that write {"do":"written","texts":[…],"count":N}
and {"do":"generate","tokens":T,"count":N,"seconds":S}. What impact_peers, text_peers and vector_peers do has its arguments there:
{"do":"answers",…} answers what is compared, all else milliseconds.
"""

import importlib.metadata
import json
import os
import sys
import time
import warnings

import numpy as np

import cases
import impact_peers
import text_peers
import tokenizer_peers
import vector_peers
from encoder_peers import CT2_TYPES, CTranslate2, OnnxRuntime, OpenVino, Torch, load_tokenizer, load_torch
from timing import timed, timed_each


class Writer:
    """Peers that write tokens after a source of ids."""

    def __init__(self, model):
        self.tokenizer = load_tokenizer(model)
        with open(model + "/config.json", encoding="utf-8") as file:
            self.config = json.load(file)

    def written(self, texts, count):
        end = self.config["eos_token_id"]
        written = [self.write(self.tokenizer.encode(text).ids, count, 0) for text in texts]
        return [[token for token in ids if token != end] for ids in written]

    def generate(self, tokens, count, seconds):
        source = np.random.default_rng(3).integers(5, self.config["vocab_size"] - 1, tokens).tolist()
        if len(self.write(source, count, count)) < count - 1:
            raise RuntimeError(f"fewer than {count} tokens were written")
        return timed(lambda: self.write(source, count, count), seconds)


class TorchT5(Writer):
    packages = ("torch", "transformers")

    def __init__(self, model, file, threads, precision):
        super().__init__(model)
        self.torch, self.model = load_torch("AutoModelForSeq2SeqLM", model, threads, precision)

    def write(self, source, most, least):
        ids = self.torch.tensor([source])
        with self.torch.inference_mode():
            out = self.model.generate(input_ids=ids, attention_mask=self.torch.ones_like(ids), max_new_tokens=most,
                                      min_new_tokens=least, do_sample=False, num_beams=1)
        return out[0].tolist()[1:]


class CTranslate2T5(Writer):
    packages = ("ctranslate2",)

    def __init__(self, model, file, threads, precision):
        super().__init__(model)
        import ctranslate2
        with open(file + "/shared_vocabulary.json", encoding="utf-8") as vocabulary:
            self.words = json.load(vocabulary)
        self.ids_of = {word: i for i, word in enumerate(self.words)}
        self.translator = ctranslate2.Translator(file, device="cpu", compute_type=CT2_TYPES[precision],
                                                 intra_threads=threads, inter_threads=1)

    def write(self, source, most, least):
        words = [self.words[token] for token in source]
        result = self.translator.translate_batch([words], beam_size=1, max_decoding_length=most, min_decoding_length=least)
        return [self.ids_of[word] for word in result[0].hypotheses[0]]


class SentenceTransformers:
    packages = ("sentence-transformers", "torch")

    def __init__(self, model, file, threads, precision):
        import sentence_transformers
        import torch
        torch.set_num_threads(threads)
        self.model = sentence_transformers.SentenceTransformer(model, device="cpu")

    def vectors(self, texts):
        return self.model.encode(texts, batch_size=cases.PADDED_BATCH, show_progress_bar=False)

    def texts(self, texts, seconds):
        return timed_each(lambda text: self.model.encode(text, show_progress_bar=False), texts, seconds)

    def passages(self, texts, seconds):
        return timed(lambda: self.vectors(texts), seconds)


PEERS = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "torch": Torch, "ctranslate2": CTranslate2,
         "torch-t5": TorchT5, "ctranslate2-t5": CTranslate2T5, "sentence-transformers": SentenceTransformers,
         **tokenizer_peers.PEERS, **impact_peers.PEERS, **text_peers.PEERS, **vector_peers.PEERS}


def answer(peer, command):
    do = command.pop("do")
    if do == "vectors":
        return {"vectors": [[float(x) for x in vector] for vector in peer.vectors(command["texts"])]}
    if do in ("ids", "written"):
        return {"ids": getattr(peer, do)(**command)}
    if do == "answers":
        return {"answers": peer.answers(**command)}
    return {"milliseconds": getattr(peer, do)(**command)}


def main():
    warnings.filterwarnings("ignore")
    replies = os.fdopen(os.dup(1), "w", buffering=1)  # whatever a library prints must not get between the answers
    os.dup2(2, 1)
    name, precision, model, file, threads = sys.argv[1:]
    begin = time.perf_counter()
    try:
        peer = PEERS[name](model, file, int(threads), precision)
    except BaseException as problem:  # panics of Rust are no Exceptions
        replies.write(json.dumps({"failed": f"{type(problem).__name__}: {problem}"}) + "\n")
        raise
    ready = {"ready": name, "load_s": time.perf_counter() - begin,
             "versions": {package: importlib.metadata.version(package) for package in peer.packages}}
    replies.write(json.dumps(ready) + "\n")
    for line in sys.stdin:
        replies.write(json.dumps(answer(peer, json.loads(line))) + "\n")


if __name__ == "__main__":
    main()
