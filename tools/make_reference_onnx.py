"""Makes the tiny ONNX directories of tests/onnx and what onnxruntime computes with them.

usage: make_reference_onnx.py

Each directory has config.json, model.onnx (the outputs and inputs that its kind of model has in the wild) and
reference.safetensors: ids.N and types.N of sequence N, and for each output out.N.NAME, computed alone. `bad` has files that
must be refused. The weights are seeded, and wide enough that a wrong mask, position or type moves the result by more than
a hundred times the tests' tolerance; that is checked. Needs the packages of bench/requirements.txt and `onnx`.
"""

import json
import pathlib
import platform
import shutil
import warnings

import numpy as np
import onnx
import onnxruntime
import onnxruntime.quantization
import torch
import transformers
from onnx import TensorProto, helper
from safetensors.numpy import save_file

TARGET = pathlib.Path(__file__).resolve().parent.parent / "tests" / "onnx"
LENGTHS = (1, 2, 5, 5, 9, 17, 17, 33, 64)
SENSITIVITY_FLOOR = 1e-2
SIZES = {"vocab_size": 97, "hidden_size": 36, "num_attention_heads": 3, "intermediate_size": 52, "num_hidden_layers": 2,
         "max_position_embeddings": 64, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "type_vocab_size": 2}
LABELS = {0: "negative", 1: "neutral", 2: "positive"}
TAGS = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}


def config(labels=None, **more):
    named = {"id2label": labels, "label2id": {name: i for i, name in labels.items()}} if labels else {}
    return transformers.BertConfig(**SIZES, **named, **more, attn_implementation="eager")


def widen(model):
    torch.manual_seed(7)
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:
            parameter.data.add_(0.1 * torch.randn_like(parameter))
        else:
            parameter.data.copy_((0.7 if "embeddings" in name else 0.25) * torch.randn_like(parameter))
    return model.eval()


class Named(torch.nn.Module):
    """A model that takes inputs by position and gives the named outputs only."""

    def __init__(self, model, inputs, compute):
        super().__init__()
        self.model, self.inputs, self.compute = model, inputs, compute

    def forward(self, *values):
        given = dict(zip(self.inputs, values))
        return self.compute(self.model(**{name: value.long() for name, value in given.items()}), given)


def mean_pooled(output, given):
    mask = given["attention_mask"].unsqueeze(-1).to(torch.float32)
    hidden = output.last_hidden_state
    return hidden, torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9))


BERT_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
# Directory → model, its inputs, their type, its outputs, how they come out of the model's.
CASES = {
    "hidden-states": (lambda: transformers.BertModel(config()), BERT_INPUTS, torch.int64,
                      ("last_hidden_state", "pooler_output"), lambda o, _: (o.last_hidden_state, o.pooler_output)),
    "sequence-logits": (lambda: transformers.BertForSequenceClassification(config(LABELS)), BERT_INPUTS, torch.int64,
                        ("logits",), lambda o, _: o.logits),
    "token-logits": (lambda: transformers.BertForTokenClassification(config(TAGS)), ("input_ids", "attention_mask"),
                     torch.int32, ("logits",), lambda o, _: o.logits),
    "sentence-vector": (lambda: transformers.BertModel(config(), add_pooling_layer=False), BERT_INPUTS, torch.int64,
                        ("token_embeddings", "sentence_embedding"), mean_pooled),
    "no-mask": (lambda: transformers.BertModel(config(), add_pooling_layer=False), ("input_ids", "position_ids"),
                torch.int64, ("last_hidden_state",), lambda o, _: o.last_hidden_state),
}


def export(module, inputs, dtype, outputs, path):
    example = tuple(torch.ones((2, 8), dtype=dtype) for _ in inputs)
    sequence_wide = {"pooler_output", "sentence_embedding"} | ({"logits"} if "sequence" in str(path) else set())
    axes = {name: {0: "batch", 1: "tokens"} for name in (*inputs, *outputs) if name not in sequence_wide}
    axes |= {name: {0: "batch"} for name in outputs if name in sequence_wide}
    torch.onnx.export(module, example, path, dynamo=False, opset_version=17, input_names=list(inputs),
                      output_names=list(outputs), dynamic_axes=axes)


def feed(inputs, dtype, ids, types):
    every = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": types,
             "position_ids": np.arange(len(ids))}
    numpy_type = np.int32 if dtype == torch.int32 else np.int64
    return {name: every[name].astype(numpy_type)[None] for name in inputs}


def session(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def reference(directory, inputs, dtype, outputs):
    rng = np.random.default_rng(3)
    engine = session(directory / "model.onnx")
    tensors = {}
    for n, length in enumerate(LENGTHS):
        ids = rng.integers(1, SIZES["vocab_size"], length)
        types = (np.arange(length) >= length // 2).astype(np.int64)
        results = engine.run(list(outputs), feed(inputs, dtype, ids, types))
        tensors |= {f"ids.{n}": ids.astype(np.int32), f"types.{n}": types.astype(np.int32)}
        tensors |= {f"out.{n}.{name}": np.ascontiguousarray(result[0]) for name, result in zip(outputs, results)}
        if length > 8:
            check_sensitivity(engine, feed(inputs, dtype, ids, types), results[0])
    save_file(tensors, directory / "reference.safetensors")


def check_sensitivity(engine, inputs, expected):
    """Half of each input's values changed must be felt."""
    for name, values in inputs.items():
        changed = values.copy()
        half = values.shape[1] // 2
        changed[0, :half] = {"attention_mask": 0, "token_type_ids": 1}.get(name, changed[0, :half][::-1])
        moved = np.abs(engine.run(None, {**inputs, name: changed})[0] - expected).max() / np.abs(expected).max()
        assert moved > SENSITIVITY_FLOOR, (name, moved)


def make(name):
    build, inputs, dtype, outputs, compute = CASES[name]
    directory = TARGET / name
    directory.mkdir(parents=True, exist_ok=True)
    model = widen(build())
    export(Named(model, inputs, compute), inputs, dtype, outputs, directory / "model.onnx")
    written = json.loads(model.config.to_json_string(use_diff=False))
    kept = {key: written[key] for key in (*SIZES, "model_type", "id2label", "label2id") if key in written}
    kept["architectures"] = [type(model).__name__]
    (directory / "config.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    reference(directory, inputs, dtype, outputs)


def make_quantized():
    """The hidden states again: with scales computed for each run, and with weights in a file of their own."""
    source = TARGET / "hidden-states"
    _, inputs, dtype, outputs, _ = CASES["hidden-states"]
    for name in ("dynamic-int8", "external-data"):
        directory = TARGET / name
        directory.mkdir(exist_ok=True)
        shutil.copy(source / "config.json", directory)
    onnxruntime.quantization.quantize_dynamic(source / "model.onnx", TARGET / "dynamic-int8" / "model.onnx")
    reference(TARGET / "dynamic-int8", inputs, dtype, outputs)
    model = onnx.load(source / "model.onnx")
    external = TARGET / "external-data"
    (external / "onnx").mkdir(exist_ok=True)
    (external / "onnx" / "model.onnx_data").unlink(missing_ok=True)
    onnx.save_model(model, external / "onnx" / "model.onnx", save_as_external_data=True, location="model.onnx_data",
                    size_threshold=256)


def tiny(inputs, outputs, location=None):
    """input_ids → Gather of a table of 97 rows; other inputs are added to nothing but stand there."""
    table = helper.make_tensor("table", TensorProto.FLOAT, [97, 4], np.arange(97 * 4, dtype=np.float32).tobytes(), raw=True)
    if location:
        table.ClearField("raw_data")
        table.data_location = TensorProto.EXTERNAL
        for key, value in location.items():
            table.external_data.add(key=key, value=value)
    nodes = [helper.make_node("Gather", ["table", inputs[0].name], [outputs[0].name])]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [table])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def value(name, element, dims):
    return helper.make_tensor_value_info(name, element, dims)


def make_bad():
    directory = TARGET / "bad"
    directory.mkdir(exist_ok=True)
    ids = value("input_ids", TensorProto.INT64, ["b", "t"])
    hidden = value("last_hidden_state", TensorProto.FLOAT, ["b", "t", 4])
    cases = {
        "good": tiny([ids], [hidden]),
        "pixels": tiny([ids, value("pixel_values", TensorProto.FLOAT, ["b", 3, 8, 8])], [hidden]),
        "float-ids": tiny([ids, value("attention_mask", TensorProto.FLOAT, ["b", "t"])], [hidden]),
        "no-ids": tiny([value("attention_mask", TensorProto.INT64, ["b", "t"])], [hidden]),
        "fixed-length": tiny([value("input_ids", TensorProto.INT64, ["b", 16])],
                             [value("last_hidden_state", TensorProto.FLOAT, ["b", 16, 4])]),
        "unknown-output": tiny([ids], [value("start_logits", TensorProto.FLOAT, ["b", "t", 4])]),
        "outside": tiny([ids], [hidden], {"location": "../secret.bin", "offset": "0", "length": "1552"}),
        "absolute": tiny([ids], [hidden], {"location": "/etc/passwd"}),
        "missing": tiny([ids], [hidden], {"location": "gone.bin"}),
        "past-end": tiny([ids], [hidden], {"location": "config.json", "offset": "18446744073709551000", "length": "1552"}),
        "too-short": tiny([ids], [hidden], {"location": "config.json", "length": "15"}),
    }
    for name, model in cases.items():
        (directory / f"{name}.onnx").write_bytes(model.SerializeToString())
    (directory / "config.json").write_text(json.dumps(
        {"model_type": "bert", "vocab_size": 97, "hidden_size": 4, "max_position_embeddings": 64}) + "\n", encoding="utf-8")


def main():
    warnings.filterwarnings("ignore")
    for name in CASES:
        make(name)
    make_quantized()
    make_bad()
    versions = {"python": platform.python_version(), "torch": torch.__version__, "transformers": transformers.__version__,
                "onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
    (TARGET / "metadata.json").write_text(json.dumps(versions, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
