"""Engines that run encoders, each loaded from the file that models.Files makes for it."""

import json

import numpy as np

import cases
from timing import timed


def load_tokenizer(model):
    import tokenizers
    tokenizer = tokenizers.Tokenizer.from_file(model + "/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    return tokenizer


class Encoder:
    """Peers that turn (ids, mask) into hidden states [batch, tokens, hidden]; of a classifier into its logits."""

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


def transformers_class(model):
    """Of a token or sequence classifier the class with its head; of all others the model without one."""
    with open(model + "/config.json", encoding="utf-8") as file:
        kind = json.load(file).get("architectures", [""])[0]
    return kind if kind.endswith(("ForTokenClassification", "ForSequenceClassification")) else "AutoModel"


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
        self.torch, self.model = load_torch(transformers_class(model), model, threads, precision)

    def hidden(self, ids, mask):
        with self.torch.inference_mode():
            output = self.model(input_ids=self.torch.from_numpy(ids), attention_mask=self.torch.from_numpy(mask),
                                return_dict=False)
        return output[0].float().numpy()


CT2_TYPES = {"fp32": "float32", "int8": "int8_float32", "int4": "int8_float32"}


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
