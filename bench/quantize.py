"""Quantises an ONNX file as a peer's users would.

usage: quantize.py onnxruntime|openvino ONNX_FILE MODEL_FOLDER TARGET
"""

import os
import pathlib
import sys
import warnings

import numpy as np

import cases

CALIBRATION_TEXTS, CALIBRATION_TOKENS = 300, 64  # so many texts are NNCF's own choice


def calibration_ids(model):
    """Token ids of texts: the demo's passages and questions where the model has a tokenizer, else random ones."""
    if (model / "tokenizer.json").exists():
        import tokenizers
        tokenizer = tokenizers.Tokenizer.from_file(str(model / "tokenizer.json"))
        tokenizer.no_padding()
        return [encoding.ids for encoding in tokenizer.encode_batch((cases.load_passages() + cases.questions())[:CALIBRATION_TEXTS])]
    return np.random.default_rng(1).integers(1000, 20000, (16, CALIBRATION_TOKENS)).tolist()


def onnxruntime_dynamic(source, _model, target):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)


def openvino_static(source, model, target):
    import nncf
    import openvino
    data = [{"input_ids": np.array([ids], np.int64), "attention_mask": np.ones((1, len(ids)), np.int64)} for ids in calibration_ids(model)]
    quantized = nncf.quantize(openvino.Core().read_model(source), nncf.Dataset(data), model_type=nncf.ModelType.TRANSFORMER,
                              subset_size=len(data), fast_bias_correction=True)
    openvino.save_model(quantized, target, compress_to_fp16=False)


def main():
    warnings.filterwarnings("ignore")
    peer, source, model, target = sys.argv[1:]
    final = pathlib.Path(target)
    partial = final.with_name("partial-" + final.name)
    {"onnxruntime": onnxruntime_dynamic, "openvino": openvino_static}[peer](source, pathlib.Path(model), str(partial))
    if final.suffix == ".xml":  # OpenVINO keeps the weights beside it
        os.replace(partial.with_suffix(".bin"), final.with_suffix(".bin"))
    os.replace(partial, final)


if __name__ == "__main__":
    main()
