"""One peer in a process of its own: reads one JSON command a line, answers one JSON object a line.

usage: peer_worker.py NAME MODEL_DIR ONNX_FILE THREADS     (started by run.py, not by hand)
Commands: {"do":"vectors","texts":[…]}, {"do":"ids","texts":[…]}, {"do":"forward","lengths":[…],"seconds":S}, {"do":"texts","texts":[…],
"seconds":S} (one call a text), {"do":"passages","texts":[…],"seconds":S} (one call for all).
"""

import importlib.metadata
import json
import os
import sys
import time
import warnings

import numpy as np

import cases

MINIMUM_CALLS = 3


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

    def __init__(self, model, onnx, threads):
        super().__init__(model)
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])

    def hidden(self, ids, mask):
        return self.session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


class OpenVino(Encoder):
    packages = ("openvino",)

    def __init__(self, model, onnx, threads):
        super().__init__(model)
        import openvino
        core = openvino.Core()
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        self.request = core.compile_model(core.read_model(onnx), "CPU", settings).create_infer_request()

    def hidden(self, ids, mask):
        return self.request.infer({"input_ids": ids, "attention_mask": mask})[0]


class Torch(Encoder):
    packages = ("torch", "transformers")

    def __init__(self, model, onnx, threads):
        super().__init__(model)
        import torch
        import transformers
        torch.set_num_threads(threads)
        self.torch = torch
        self.model = transformers.AutoModel.from_pretrained(model, dtype=torch.float32).eval()

    def hidden(self, ids, mask):
        with self.torch.inference_mode():
            output = self.model(input_ids=self.torch.from_numpy(ids), attention_mask=self.torch.from_numpy(mask))
        return output.last_hidden_state.numpy()


class SentenceTransformers:
    packages = ("sentence-transformers", "torch")

    def __init__(self, model, onnx, threads):
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


class HfTokenizers:
    packages = ("tokenizers",)

    def __init__(self, model, onnx, threads):
        self.tokenizer = load_tokenizer(model)
        self.tokenizer.no_truncation()

    def ids(self, texts):
        return [self.tokenizer.encode(text).ids for text in texts]

    def passages(self, texts, seconds):
        return timed(lambda: [self.tokenizer.encode(text) for text in texts], seconds)


PEERS = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "torch": Torch,
         "sentence-transformers": SentenceTransformers, "hf-tokenizers": HfTokenizers}


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


def answer(peer, command):
    do = command.pop("do")
    if do == "vectors":
        return {"vectors": [[float(x) for x in vector] for vector in peer.vectors(command["texts"])]}
    if do == "ids":
        return {"ids": peer.ids(command["texts"])}
    return {"milliseconds": getattr(peer, do)(**command)}


def main():
    warnings.filterwarnings("ignore")
    replies = os.fdopen(os.dup(1), "w", buffering=1)  # whatever a library prints must not get between the answers
    os.dup2(2, 1)
    name, model, onnx, threads = sys.argv[1:]
    begin = time.perf_counter()
    peer = PEERS[name](model, onnx, int(threads))
    ready = {"ready": name, "load_s": time.perf_counter() - begin,
             "versions": {package: importlib.metadata.version(package) for package in peer.packages}}
    replies.write(json.dumps(ready) + "\n")
    for line in sys.stdin:
        replies.write(json.dumps(answer(peer, json.loads(line))) + "\n")


if __name__ == "__main__":
    main()
