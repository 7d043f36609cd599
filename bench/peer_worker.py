"""One peer in a process of its own: reads one JSON command a line, answers one JSON object a line.

usage: peer_worker.py NAME PRECISION MODEL_DIR FILE THREADS     (started by run.py, not by hand)
FILE is what models.Files makes for the peer. Commands: {"do":"vectors","texts":[…]}, {"do":"ids","texts":[…]} (of
HF tokenizers also with "special_tokens":false), {"do":"forward","lengths":[…],"seconds":S}, {"do":"texts","texts":[…],"seconds":S} (one call a text),
{"do":"passages","texts":[…],"seconds":S} (one call for all); of models that write {"do":"written","texts":[…],"count":N}
and {"do":"generate","tokens":T,"count":N,"seconds":S}.
"""

import importlib.metadata
import json
import os
import sys
import time
import warnings

import numpy as np

import cases
import tokenizer_peers
from timing import timed, timed_each


def load_tokenizer(model):
    import tokenizers
    tokenizer = tokenizers.Tokenizer.from_file(model + "/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    return tokenizer


class Encoder:
    """Peers that turn (ids, mask) into hidden states [batch, tokens, hidden]."""

    def __init__(self, model):
        self.tokenizer = load_tokenizer(model)

    def vectors(self, texts):
        """Mean-pooled vectors, in padded batches as the timed work is."""
        out = []
        for begin in range(0, len(texts), cases.PADDED_BATCH):
            batch = texts[begin:begin + cases.PADDED_BATCH]
            ids, mask = cases.padded_ids([self.tokenizer.encode(text).ids for text in batch])
            states = np.asarray(self.hidden(ids, mask), dtype=np.float64)
            out += list((states * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True))
        return out

    def forward(self, lengths, seconds):
        batches = cases.padded_batches(lengths)
        return timed(lambda: [self.hidden(*batch) for batch in batches], seconds)


class OnnxRuntime(Encoder):
    packages = ("onnxruntime",)

    def __init__(self, model, file, threads, precision):
        super().__init__(model)
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def hidden(self, ids, mask):
        return self.session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


class OpenVino(Encoder):
    packages = ("openvino",)

    def __init__(self, model, file, threads, precision):
        super().__init__(model)
        import openvino
        core = openvino.Core()
        hint = "bf16" if precision == "bf16" else "f32"  # of what a quantised file leaves in floating point
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY"}
        self.request = core.compile_model(core.read_model(file), "CPU", settings).create_infer_request()

    def hidden(self, ids, mask):
        return self.request.infer({"input_ids": ids, "attention_mask": mask})[0]


def load_torch(kind, model, threads, precision):
    """torch, and the model in that precision as transformers' class of that name reads it."""
    import torch
    import transformers
    torch.set_num_threads(threads)
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    return torch, getattr(transformers, kind).from_pretrained(model, dtype=dtype).eval()


class Torch(Encoder):
    packages = ("torch", "transformers")

    def __init__(self, model, file, threads, precision):
        super().__init__(model)
        self.torch, self.model = load_torch("AutoModel", model, threads, precision)

    def hidden(self, ids, mask):
        with self.torch.inference_mode():
            output = self.model(input_ids=self.torch.from_numpy(ids), attention_mask=self.torch.from_numpy(mask))
        return output.last_hidden_state.float().numpy()


CT2_TYPES = {"fp32": "float32", "int8": "int8_float32"}


class CTranslate2(Encoder):
    packages = ("ctranslate2",)

    def __init__(self, model, file, threads, precision):
        super().__init__(model)
        import ctranslate2
        self.encoder = ctranslate2.Encoder(file, device="cpu", compute_type=CT2_TYPES[precision], intra_threads=threads,
                                           inter_threads=1)

    def hidden(self, ids, mask):
        rows = [row[:length].tolist() for row, length in zip(ids, mask.sum(1))]
        return np.asarray(self.encoder.forward_batch(rows).last_hidden_state)


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
         **tokenizer_peers.PEERS}


def answer(peer, command):
    do = command.pop("do")
    if do == "vectors":
        return {"vectors": [[float(x) for x in vector] for vector in peer.vectors(command["texts"])]}
    if do in ("ids", "written"):
        return {"ids": getattr(peer, do)(**command)}
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
