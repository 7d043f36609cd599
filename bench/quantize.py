"""Quantises an ONNX file as a peer's users would.

usage: quantize.py onnxruntime|openvino ONNX_FILE TARGET
"""

import os
import pathlib
import sys
import warnings

import numpy as np

CALIBRATION_TEXTS, CALIBRATION_TOKENS = 16, 64


def onnxruntime_dynamic(source, target):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)


def openvino_static(source, target):
    import nncf
    import openvino
    random = np.random.default_rng(1)
    shape = (1, CALIBRATION_TOKENS)
    data = [{"input_ids": random.integers(1000, 20000, shape).astype(np.int64), "attention_mask": np.ones(shape, np.int64)}
            for _ in range(CALIBRATION_TEXTS)]
    model = nncf.quantize(openvino.Core().read_model(source), nncf.Dataset(data), model_type=nncf.ModelType.TRANSFORMER,
                          subset_size=CALIBRATION_TEXTS, fast_bias_correction=True)
    openvino.save_model(model, target, compress_to_fp16=False)


def main():
    warnings.filterwarnings("ignore")
    peer, source, target = sys.argv[1:]
    final = pathlib.Path(target)
    partial = final.with_name("partial-" + final.name)
    {"onnxruntime": onnxruntime_dynamic, "openvino": openvino_static}[peer](source, str(partial))
    if final.suffix == ".xml":  # OpenVINO keeps the weights beside it
        os.replace(partial.with_suffix(".bin"), final.with_suffix(".bin"))
    os.replace(partial, final)


if __name__ == "__main__":
    main()
