"""Exports a model directory to one ONNX file that onnxruntime and openvino read: hidden states, of a classifier logits.

usage: export_onnx.py MODEL_DIR ONNX_FILE
"""

import os
import sys
import warnings

import torch
import transformers

import encoder_peers


class FirstOutput(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, return_dict=False)[0]


def main():
    warnings.filterwarnings("ignore")
    directory, target = sys.argv[1:]
    kind = getattr(transformers, encoder_peers.transformers_class(directory))
    model = kind.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
    ids = torch.randint(5, 1000, (2, 16))
    axes = {name: {0: "batch", 1: "tokens"} for name in ("input_ids", "attention_mask", "output")}
    if kind.__name__.endswith("ForSequenceClassification"):
        del axes["output"][1]
    partial = target + ".partial"
    torch.onnx.export(FirstOutput(model), (ids, torch.ones_like(ids)), partial, dynamo=False, opset_version=17,
                      input_names=["input_ids", "attention_mask"], output_names=["output"], dynamic_axes=axes)
    os.replace(partial, target)


if __name__ == "__main__":
    main()
