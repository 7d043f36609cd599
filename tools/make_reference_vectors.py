"""Makes the reference vectors that tests/golden compares Vivace with.

usage: make_reference_vectors.py minilm MODEL_DIR   # tests/golden/minilm from the real all-MiniLM-L6-v2
       make_reference_vectors.py tiny               # tests/golden/tiny-bert*, small seeded checkpoints

Needs the packages of bench/requirements.txt. Ids come from the `tokenizers` package, hidden states from transformers in
fp32, one text at a time so that no padding takes part; sentence vectors are checked against sentence-transformers.
Everything is seeded: the same versions on the same machine write the same bytes.
"""

import argparse
import hashlib
import json
import math
import pathlib
import platform

import numpy as np
import sentence_transformers
import tokenizers
import torch
import transformers

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
# Lengths (special tokens included) around multiples of vector and panel widths, and around the limits 256 and 512.
COMPOSED_LENGTHS = (3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128, 129, 192, 254, 255, 256,
                    257, 258, 300, 384, 511, 512, 513, 700, 1500)
LONG_LIMIT = 512
RAW_TEXTS = 10
TINY_LENGTHS = (1, 2, 3, 5, 8, 13, 16, 17, 31, 32, 64, 96)
POOLINGS = ("mean", "cls", "last")


def versions():
    return {"python": platform.python_version(), "torch": torch.__version__, "transformers": transformers.__version__,
            "tokenizers": tokenizers.__version__, "sentence-transformers": sentence_transformers.__version__}


def load_tokenizer(directory):
    tokenizer = tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def truncated_ids(tokenizer, text, limit):
    tokenizer.enable_truncation(limit)
    ids = tokenizer.encode(text).ids
    tokenizer.no_truncation()
    return ids


def load_model(directory):
    model = transformers.AutoModel.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager")
    return model.eval()


def hidden_states(model, ids):
    """The embeddings' and every layer's output, each [tokens, hidden] float32."""
    with torch.inference_mode():
        output = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                       output_hidden_states=True)
    return [h[0].numpy() for h in output.hidden_states]


def pool(states, mode):
    if mode == "mean":
        return states.mean(axis=0, dtype=np.float64).astype(np.float32)
    return states[0] if mode == "cls" else states[-1]


def normalised(vectors):
    return (vectors / np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)).astype(np.float32)


def write_json_lines(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=True) + "\n" for row in rows), encoding="utf-8")


def compose_texts(tokenizer, sources, random):
    """Texts of exactly the wanted numbers of tokens, made of the words of `sources`."""
    words = [word for source in sources for word in source["text"].split()]
    counts = {word: len(tokenizer.encode(word, add_special_tokens=False).ids) for word in words}
    words = [word for word in dict.fromkeys(words) if 1 <= counts[word] <= 12]
    singles = [word for word in words if counts[word] == 1]
    for length in COMPOSED_LENGTHS:
        chosen, left = [], length - 2
        while left > 0:
            word = random.choice(words if left > 12 else singles)
            chosen.append(str(word))
            left -= counts[word]
        text = " ".join(chosen)
        assert len(tokenizer.encode(text).ids) == length, (length, text)
        yield {"language": "composed", "text": text}


def check_against_sentence_transformers(directory, texts, vectors):
    encoder = sentence_transformers.SentenceTransformer(str(directory), device="cpu",
                                                        model_kwargs={"dtype": torch.float32})
    theirs = np.stack([encoder.encode(text) for text in texts])
    cosine = (normalised(theirs) * normalised(vectors)).sum(axis=1).min()
    assert cosine > 0.999999, f"sentence-transformers disagrees: lowest cosine {cosine}"
    return float(np.abs(theirs - vectors).max())


def make_minilm(directory):
    out = GOLDEN / "minilm"
    tokenizer, model = load_tokenizer(directory), load_model(directory)
    limit = json.loads((directory / "sentence_bert_config.json").read_text())["max_seq_length"]
    sources = [json.loads(line) for line in (out / "texts.jsonl").read_text(encoding="utf-8").splitlines()]
    texts = sources + list(compose_texts(tokenizer, sources, np.random.default_rng(20261121)))

    rows, vectors, long_vectors = [], [], []
    for index, source in enumerate(texts):
        full = len(tokenizer.encode(source["text"]).ids)
        ids = truncated_ids(tokenizer, source["text"], limit)
        vectors.append(pool(hidden_states(model, ids)[-1], "mean"))
        rows.append({"index": index, "tokens": len(ids), "untruncated_tokens": full, **source})
        if full > limit:
            ids = truncated_ids(tokenizer, source["text"], LONG_LIMIT)
            rows[-1]["long_index"] = len(long_vectors)
            rows[-1]["long_tokens"] = len(ids)
            long_vectors.append(pool(hidden_states(model, ids)[-1], "mean"))
    vectors, long_vectors = normalised(np.stack(vectors)), normalised(np.stack(long_vectors))
    difference = check_against_sentence_transformers(directory, [t["text"] for t in texts], vectors)

    raw_rows = [row for row in rows if row["language"] != "composed" and row["tokens"] <= 24][:: 9][:RAW_TEXTS]
    raw = np.stack([[pool(hidden_states(model, truncated_ids(tokenizer, row["text"], limit))[-1], mode)
                     for mode in POOLINGS] for row in raw_rows])
    states = [hidden_states(model, truncated_ids(tokenizer, row["text"], limit))[-1] for row in raw_rows[:2]]

    write_json_lines(out / "reference.jsonl", rows)
    np.save(out / "vectors.npy", vectors)
    np.save(out / "vectors_512.npy", long_vectors)
    np.save(out / "raw_pooled.npy", raw)
    np.savez(out / "raw_states.npz", *states)
    weights = hashlib.sha256((directory / "model.safetensors").read_bytes()).hexdigest()
    metadata = {"model": "all-MiniLM-L6-v2", "weights_sha256": weights, "max_tokens": limit, "long_max_tokens": LONG_LIMIT, "poolings": POOLINGS,
                "raw_indexes": [row["index"] for row in raw_rows], "texts": len(rows), "versions": versions(),
                "languages": len({row["language"] for row in rows}),
                "largest_difference_from_sentence_transformers": difference}
    (out / "metadata.json").write_text(json.dumps(metadata, indent=1) + "\n")
    print(metadata)


# ---- the tiny checkpoints ----------------------------------------------------------------------------------------

TINY_CONFIG = {"hidden_size": 72, "num_attention_heads": 6, "intermediate_size": 100, "num_hidden_layers": 3,
               "max_position_embeddings": 96, "type_vocab_size": 2, "layer_norm_eps": 1e-5, "hidden_act": "gelu",
               "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
TINY_SEED = 7
TINY_VOCABULARY = 300


def tiny_vocabulary():
    """Special tokens, single characters, and the commonest words and word parts of the texts in tests/golden/minilm."""
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    characters = "abcdefghijklmnopqrstuvwxyz0123456789"
    tokens += list(characters) + ["##" + c for c in characters] + list(".,!?'-")
    texts = (GOLDEN / "minilm" / "texts.jsonl").read_text(encoding="utf-8").lower()
    words = [word for word in texts.split() if word.isascii() and word.isalpha()]
    pieces = words + [word[:cut] for word in words for cut in (2, 3)] + ["##" + word[-2:] for word in words]
    counts = {piece: pieces.count(piece) for piece in dict.fromkeys(pieces)}
    tokens += sorted((p for p in counts if p not in tokens and len(p) > 1), key=lambda p: (-counts[p], p))
    return {token: i for i, token in enumerate(tokens[:TINY_VOCABULARY])}


def tiny_tokenizer(vocabulary):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])])
    tokenizer.decoder = tokenizers.decoders.WordPiece(prefix="##")
    return tokenizer


def tiny_model(vocabulary):
    """Weights drawn wide, norms far from identity, so that a swapped, skipped or transposed part shows at once."""
    config = transformers.BertConfig(vocab_size=len(vocabulary), **TINY_CONFIG)
    model = transformers.BertModel(config, add_pooling_layer=False).eval()
    generator = torch.Generator().manual_seed(TINY_SEED)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            values = torch.randn(parameter.shape, generator=generator)
            if name.endswith("LayerNorm.weight"):
                parameter.copy_(1.0 + 0.4 * values)
            elif name.endswith("bias"):
                parameter.copy_(0.3 * values)
            elif "embeddings" in name:
                parameter.copy_(values)
            else:
                parameter.copy_(1.5 * values / math.sqrt(parameter.shape[1]))
    return model


def write_sentence_transformers_files(directory, pooling, normalize, max_tokens):
    names = {"mean": "mean_tokens", "cls": "cls_token", "last": "lasttoken"}
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")] + ([("2_Normalize", "Normalize")] if normalize else [])
    write = lambda name, value: (directory / name).write_text(json.dumps(value, indent=1) + "\n")
    write("modules.json", [{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
                           for i, (path, kind) in enumerate(modules)])
    (directory / "1_Pooling").mkdir(exist_ok=True)
    pooling_config = {"word_embedding_dimension": TINY_CONFIG["hidden_size"]}
    pooling_config.update({f"pooling_mode_{name}": key == pooling for key, name in names.items()})
    pooling_config.update({"pooling_mode_max_tokens": False, "include_prompt": True})
    write("1_Pooling/config.json", pooling_config)
    write("sentence_bert_config.json", {"max_seq_length": max_tokens, "do_lower_case": False})
    write("config_sentence_transformers.json", {"prompts": {"query": "find the "}, "default_prompt_name": None,
                                                "similarity_fn_name": "cosine"})


def write_tiny_directory(name, model, vocabulary, tensors, architecture="BertModel"):
    directory = GOLDEN / name
    directory.mkdir(parents=True, exist_ok=True)
    config = {"architectures": [architecture], "model_type": "bert", "pad_token_id": 0, "vocab_size": len(vocabulary),
              "torch_dtype": str(next(iter(tensors[0].values())).dtype).removeprefix("torch."), **TINY_CONFIG}
    (directory / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    tokenizer = tiny_tokenizer(vocabulary)
    tokenizer.save(str(directory / "tokenizer.json"))
    (directory / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 96, "unk_token": "[UNK]",
         "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}, indent=1) + "\n")
    write_weights(directory, tensors)
    return directory


def write_weights(directory, shards):
    from safetensors.torch import save_file
    if len(shards) == 1:
        save_file(shards[0], directory / "model.safetensors", metadata={"format": "pt"})
        return
    index = {"metadata": {"total_size": sum(t.nbytes for shard in shards for t in shard.values())}, "weight_map": {}}
    for i, shard in enumerate(shards, start=1):
        file = f"model-{i:05d}-of-{len(shards):05d}.safetensors"
        save_file(shard, directory / file, metadata={"format": "pt"})
        index["weight_map"].update({name: file for name in shard})
    (directory / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


def split_in_shards(tensors, count):
    names = sorted(tensors)
    return [{name: tensors[name] for name in names[i::count]} for i in range(count)]


def tiny_texts(tokenizer, vocabulary):
    """One text for each reachable length of TINY_LENGTHS, and one that is too long for the model."""
    random = np.random.default_rng(TINY_SEED)
    words = [token for token in vocabulary if token.isalpha() and len(token) > 1]
    texts = [" ".join(map(str, random.choice(words, length - 2))) for length in TINY_LENGTHS if length > 2]
    texts.append(" ".join(map(str, random.choice(words, 150))))
    lengths = [len(tokenizer.encode(text).ids) for text in texts]
    assert lengths == [length for length in TINY_LENGTHS if length > 2] + [152], lengths
    return texts


def make_tiny():
    vocabulary = tiny_vocabulary()
    model = tiny_model(vocabulary)
    full = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    bf16 = {name: tensor.to(torch.bfloat16) for name, tensor in full.items()}
    f16 = {name: tensor.to(torch.float16) for name, tensor in full.items()}
    f16["embeddings.position_ids"] = torch.arange(TINY_CONFIG["max_position_embeddings"]).unsqueeze(0)  # as old files have
    prefixed = {"bert." + name: tensor for name, tensor in bf16.items()}
    prefixed["cls.predictions.bias"] = torch.zeros(len(vocabulary), dtype=torch.bfloat16)  # a head that we do not use

    write_tiny_directory("tiny-bert", model, vocabulary, [full])
    write_tiny_directory("tiny-bert-bf16", model, vocabulary, [bf16])
    write_tiny_directory("tiny-bert-f16", model, vocabulary, [f16])
    write_tiny_directory("tiny-bert-sharded", model, vocabulary, split_in_shards(prefixed, 3), "BertForMaskedLM")
    write_sentence_transformers_files(GOLDEN / "tiny-bert", "mean", False, 96)
    write_sentence_transformers_files(GOLDEN / "tiny-bert-bf16", "cls", True, 64)
    write_sentence_transformers_files(GOLDEN / "tiny-bert-sharded", "last", False, 96)
    write_tiny_references(vocabulary)


def write_tiny_references(vocabulary):
    from safetensors.numpy import save_file
    tokenizer = load_tokenizer(GOLDEN / "tiny-bert")
    texts = tiny_texts(tokenizer, vocabulary)
    model = load_model(GOLDEN / "tiny-bert")
    random = np.random.default_rng(TINY_SEED + 1)
    sequences = [random.integers(5, len(vocabulary), length).tolist() for length in TINY_LENGTHS if length <= 2]
    sequences += [truncated_ids(tokenizer, text, 96) for text in texts[:-1]]

    # What the C++ tests of the model read, with our own safetensors reader: ids.N, hidden.N.L (L = 0: the embeddings).
    tensors = {}
    for i, ids in enumerate(sequences):
        tensors[f"ids.{i}"] = np.array(ids, dtype=np.int32)
        for layer, states in enumerate(hidden_states(model, ids)):
            tensors[f"hidden.{i}.{layer}"] = np.ascontiguousarray(states)
    save_file(tensors, GOLDEN / "tiny-bert" / "reference.safetensors")

    # What the command line is asked: each checkpoint's vectors of the texts, in every pooling, not normalised.
    references = {}
    for name in ("tiny-bert", "tiny-bert-bf16", "tiny-bert-f16", "tiny-bert-sharded"):
        checkpoint = load_model(GOLDEN / name)
        limit = 64 if name == "tiny-bert-bf16" else 96
        states = [hidden_states(checkpoint, truncated_ids(tokenizer, text, limit))[-1] for text in texts]
        references[name] = np.stack([[pool(s, mode) for mode in POOLINGS] for s in states])
    encoder = sentence_transformers.SentenceTransformer(str(GOLDEN / "tiny-bert"), device="cpu")
    references["tiny-bert.query"] = np.stack([encoder.encode(text, prompt_name="query") for text in texts[:4]])
    for name, pooling in (("tiny-bert", "mean"), ("tiny-bert-bf16", "cls"), ("tiny-bert-sharded", "last")):
        check_against_sentence_transformers(GOLDEN / name, texts, references[name][:, POOLINGS.index(pooling)]
                                            if name != "tiny-bert-bf16" else normalised(references[name][:, 1]))
    np.savez(GOLDEN / "tiny-bert" / "pooled.npz", **references)
    write_json_lines(GOLDEN / "tiny-bert" / "texts.jsonl", [{"text": text} for text in texts])
    (GOLDEN / "tiny-bert" / "metadata.json").write_text(json.dumps(
        {"seed": TINY_SEED, "lengths": TINY_LENGTHS, "poolings": POOLINGS, "versions": versions()}, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("minilm").add_argument("model", type=pathlib.Path)
    commands.add_parser("tiny")
    arguments = parser.parse_args()
    torch.manual_seed(TINY_SEED)
    if arguments.command == "minilm":
        make_minilm(arguments.model)
    else:
        make_tiny()


if __name__ == "__main__":
    main()
