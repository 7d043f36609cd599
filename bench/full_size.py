"""Loads and runs the full-size models with random weights: answers against transformers, and the most memory that a fresh
process of ours takes.

usage: .venv-bench/bin/python bench/full_size.py [--program FILE] [--threads N] [NAME …]      (all of them by default)

NAME is a checkpoint of tools/make_random_checkpoint.py. Prints a line for each and writes build/bench/full_size.json;
status 1 when an answer is wrong or the memory is more than the weights × 1.1 and what is allowed for activations.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import cases
import models
import ours

OUT = cases.ROOT / "build" / "bench"
NAMES = tuple(model.checkpoint for model in cases.MODELS if model.checkpoint)
TEXTS = ("a b c", "the quick brown fox jumps over the lazy dog " * 10, "def f(x): return x + 1")
WRITTEN = 16
TOLERANCE = 1e-4  # of hidden states, relative to the largest
WEIGHTS_FACTOR, ACTIVATIONS_MB = 1.1, 100


# Linux counts the memory of the one who starts a process as that process's own, so a small one has to start it.
MEASURE = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status)
"""


def peak_memory(command, stdin):
    """Standard output and the most megabytes that the command had in memory."""
    with tempfile.NamedTemporaryFile("r") as kilobytes:
        done = subprocess.run([sys.executable, "-c", MEASURE, kilobytes.name, *map(str, command)], input=stdin.encode(),
                              stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise ours.ContenderError(f"{command[1]} ended with status {done.returncode}; its message is above")
        return done.stdout.decode(), int(kilobytes.read()) * 1024 / 1e6


def difference(got, expected):
    """The largest difference, relative to the largest value."""
    got, expected = np.asarray(got, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if got.shape != expected.shape:
        raise ValueError(f"{got.shape} values against {expected.shape}")
    return float(np.abs(got - expected).max() / np.abs(expected).max())


def memory_limit_mb(weight_bytes):
    return weight_bytes / 1e6 * WEIGHTS_FACTOR + ACTIVATIONS_MB


def reference_states(folder):
    """Of transformers: the last hidden states of each text."""
    import tokenizers
    import torch
    import transformers
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        return [model(input_ids=torch.tensor([tokenizer.encode(text).ids])).last_hidden_state[0].numpy() for text in TEXTS]


def reference_ids(folder):
    import tokenizers
    import torch
    import transformers
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).eval()
    written = []
    with torch.inference_mode():
        for text in TEXTS:
            ids = torch.tensor([tokenizer.encode(text).ids])
            out = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=WRITTEN, do_sample=False,
                                 num_beams=1)
            written.append(out[0].tolist()[1:])
    return written


def check(name, options):
    folder = models.checkpoint(name, OUT)
    weight_bytes = (folder / "model.safetensors").stat().st_size
    common = ["--model", folder, "--precision", "fp32", "--threads", options.threads, "--file", "-", "--input-format", "jsonl"]
    if name.startswith("t5"):
        command = [options.program, "complete", *common, "--max-new-tokens", WRITTEN, "--format", "jsonl"]
        output, megabytes = peak_memory(command, ours.json_lines(TEXTS))
        got = [json.loads(line)["token_ids"] for line in output.splitlines()]
        wrong = sum(a != b for a, b in zip(got, reference_ids(folder), strict=True))
    else:
        command = [options.program, "embed", *common, "--pooling", "none", "--no-normalize"]
        output, megabytes = peak_memory(command, ours.json_lines(TEXTS))
        got = [json.loads(line)["embedding"] for line in output.splitlines()]
        wrong = max(difference(np.ravel(a), np.ravel(b)) for a, b in zip(got, reference_states(folder), strict=True))
    limit = memory_limit_mb(weight_bytes)
    right = wrong == 0 if name.startswith("t5") else wrong <= TOLERANCE
    return {"name": name, "weights_mb": weight_bytes / 1e6, "peak_mb": megabytes, "limit_mb": limit, "off_by": wrong,
            "right": right, "fits": megabytes <= limit}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*NAMES, []], default=[])
    parser.add_argument("--program", type=pathlib.Path, default=cases.ROOT / "build" / "release" / "vivace")
    parser.add_argument("--threads", type=int, default=min(2, len(os.sched_getaffinity(0))))
    options = parser.parse_args(argv)
    results = []
    for name in options.names or NAMES:
        one = check(name, options)
        results.append(one)
        print(f"{name}: weights {one['weights_mb']:.0f} MB, peak {one['peak_mb']:.0f} MB "
              f"({'within' if one['fits'] else 'MORE THAN'} {one['limit_mb']:.0f}), off by {one['off_by']:.2g}"
              f"{'' if one['right'] else ': WRONG'}", flush=True)
    (OUT / "full_size.json").write_text(json.dumps(results, indent=1) + "\n")
    sys.exit(0 if all(one["right"] and one["fits"] for one in results) else 1)


if __name__ == "__main__":
    main()
