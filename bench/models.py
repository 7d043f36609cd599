"""The files that the contenders read: checkpoints of true shape with random weights, and what each peer wants of a model
(ONNX, quantised ONNX, OpenVINO's, CTranslate2's and llama.cpp's own files). All made once, below build/bench."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import cases

HERE = pathlib.Path(__file__).parent


def run_tool(*arguments):
    subprocess.run([sys.executable, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def checkpoint(name, out):
    """The folder of a random checkpoint of tools/make_random_checkpoint.py."""
    folder = out / "models" / name
    if not (folder / "made").exists():
        print(f"making {name} with random weights …", file=sys.stderr)
        run_tool(cases.ROOT / "tools" / "make_random_checkpoint.py", name, folder)
        (folder / "made").touch()
    return folder


class Files:
    """What is made out of one model folder, for the content of its weights."""

    def __init__(self, model, out):
        self.model = pathlib.Path(model)
        self.stem = out / "files" / f"{self.model.resolve().name}-{self._digest()}"

    def of(self, peer, precision):
        """The file or folder that the peer loads for that precision."""
        if peer == "onnxruntime":
            return self.onnx_int8() if precision == "int8" else self.onnx()
        if peer == "openvino":
            return self.openvino_int8() if precision == "int8" else self.onnx()
        if peer == "llama.cpp":
            return self._make(f"-{precision}.gguf", "export_gguf.py", self.model, precision)
        if peer.startswith("ctranslate2"):
            return self.ctranslate2()
        return self.model

    def onnx(self):
        return self._make(".onnx", "export_onnx.py", self.model)

    def onnx_int8(self):
        """onnxruntime's dynamic quantisation."""
        return self._make("-int8.onnx", "quantize.py", "onnxruntime", self.onnx(), self.model)

    def openvino_int8(self):
        """NNCF's post-training quantisation."""
        return self._make("-int8.xml", "quantize.py", "openvino", self.onnx(), self.model)

    def ctranslate2(self):
        target = self.stem.with_name(self.stem.name + "-ct2")
        if not (target / "model.bin").exists():
            print(f"converting {self.model.name} for CTranslate2 …", file=sys.stderr)
            source = self.stem.with_name(self.stem.name + "-ct2-source")
            shutil.rmtree(source, ignore_errors=True)
            full_tokenizer_folder(self.model, source)
            converter = pathlib.Path(sys.executable).with_name("ct2-transformers-converter")
            subprocess.run([str(converter), "--model", str(source), "--output_dir", str(target), "--force"], check=True,
                           stdout=subprocess.DEVNULL)
        return target

    def _digest(self):
        """Of the weights: their beginning and size tell seeded checkpoints apart, and reading 2 GB takes a while."""
        weights = self.model / "model.safetensors"
        with open(weights, "rb") as file:
            head = file.read(1 << 24)
        return hashlib.sha256(head + str(weights.stat().st_size).encode()).hexdigest()[:16]

    def _make(self, ending, tool, *arguments):
        target = self.stem.with_name(self.stem.name + ending)
        if not target.exists():
            print(f"making {target.name} …", file=sys.stderr)
            target.parent.mkdir(parents=True, exist_ok=True)
            run_tool(HERE / tool, *arguments, target)
        return target


def full_tokenizer_folder(model, folder):
    """The model with a tokenizer that has a word for each of its ids, as CTranslate2's converter demands."""
    config = json.loads((model / "config.json").read_text())
    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    words = special + [f"w{i}" for i in range(len(special), config["vocab_size"])]
    folder.mkdir(parents=True)
    os.symlink((model / "model.safetensors").resolve(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer = {"version": "1.0", "pre_tokenizer": {"type": "WhitespaceSplit"}, "added_tokens": [],
                 "model": {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(words)}, "unk_token": "[UNK]"}}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]", "pad_token": "[PAD]",
             "eos_token": "[SEP]", "bos_token": "[CLS]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names))
