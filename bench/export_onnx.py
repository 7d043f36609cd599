"""Exports a model directory to one ONNX file that onnxruntime and openvino read.

usage: export_onnx.py MODEL_DIR ONNX_FILE
"""

import os
import sys
import warnings

import torch
import transformers


class HiddenStates(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, return_dict=False)[0]


def main():
    warnings.filterwarnings("ignore")
    directory, target = sys.argv[1:]
    model = transformers.AutoModel.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
    ids = torch.randint(5, 1000, (2, 16))
    axes = {name: {0: "batch", 1: "tokens"} for name in ("input_ids", "attention_mask", "hidden_states")}
    partial = target + ".partial"
    torch.onnx.export(HiddenStates(model), (ids, torch.ones_like(ids)), partial, dynamo=False, opset_version=17,
                      input_names=["input_ids", "attention_mask"], output_names=["hidden_states"], dynamic_axes=axes)
    os.replace(partial, target)


if __name__ == "__main__":
    main()
