"""Checkpoints for tests of failures: one that is slow, one that is far too large."""

import json
import os
import shutil
import struct


def read_safetensors(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    return {name: (entry["dtype"], entry["shape"], data[8 + length:][slice(*entry["data_offsets"])]) for name, entry in header.items()}


def write_safetensors(path, tensors):
    header, begin = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, begin + len(data)]}
        begin += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values()))


def deepen(source, target, layers):
    """A DistilBERT whose layers are the first one of `source`, over and over: slow, and hardly larger."""
    shutil.copytree(source, target)
    config = json.loads((target / "config.json").read_text(encoding="utf-8"))
    (target / "config.json").write_text(json.dumps(config | {"n_layers": layers}), encoding="utf-8")
    tensors = read_safetensors(target / "model.safetensors")
    begin = "distilbert.transformer.layer."
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(begin)}
    for name, tensor in tensors.items():
        if name.startswith(begin + "0."):
            kept |= {name.replace(begin + "0.", f"{begin}{i}."): tensor for i in range(layers)}
    write_safetensors(target / "model.safetensors", kept)
    return target


def enlarge(source, target, gibibytes):
    """A checkpoint that says its table of words is so large, in a file that takes no room on the disk."""
    shutil.copytree(source, target)
    rows = gibibytes << 18  # of 4 KiB
    size = rows * 4096
    header = json.dumps({"embeddings.word_embeddings.weight": {"dtype": "F32", "shape": [rows, 1024], "data_offsets": [0, size]}}).encode()
    header += b" " * (-len(header) % 8)
    path = target / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    os.truncate(path, 8 + len(header) + size)
    return target
