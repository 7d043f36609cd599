"""Writes an encoder of BERT's shape with its WordPiece tokenizer as a GGUF file, which llama.cpp reads.

usage: export_gguf.py MODEL_DIR fp32|bf16|int8 GGUF_FILE

Names and members are those that llama.cpp's loader of the architecture "bert" asks for. int8 is its Q8_0: blocks of 32 weights.
"""

import json
import os
import pathlib
import re
import sys

TYPES = {"fp32": "F32", "bf16": "BF16", "int8": "Q8_0"}  # of matrices; all else stays F32
NORMAL_TOKEN, CONTROL_TOKEN = 1, 3  # the format's numbers
WORD_START = "\u2581"
# Of a name in transformers' checkpoint, before ".weight" or ".bias"; the number is the layer's.
NAMES = {"embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
         "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm",
         "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
         "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
         "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"}
LAYER = re.compile(r"encoder\.layer\.(\d+)\.(.+)")


def gguf_name(name):
    """None for a tensor that embeddings do not need."""
    stem, _, kind = name.rpartition(".")
    if layer := LAYER.fullmatch(stem):
        return f"blk.{layer[1]}.{NAMES[layer[2]]}.{kind}"
    return f"{NAMES[stem]}.{kind}" if stem in NAMES else None


def gguf_token(token, special):
    """llama.cpp marks where words start; WordPiece marks where they go on."""
    if special:
        return token
    return token[2:] if token.startswith("##") else WORD_START + token


def add_shape(writer, config):
    from gguf import PoolingType
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(PoolingType.MEAN)


def add_tokenizer(writer, config, tokenizer):
    special = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    words = sorted(tokenizer["model"]["vocab"].items(), key=lambda word: word[1])
    if [place for _, place in words] != list(range(config["vocab_size"])):
        raise SystemExit("the tokenizer's words are not numbered as the model's rows are")
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_type_count(config["type_vocab_size"])
    writer.add_token_list([gguf_token(word, word in special) for word, _ in words])
    writer.add_token_types([CONTROL_TOKEN if word in special else NORMAL_TOKEN for word, _ in words])
    for add, token in ((writer.add_bos_token_id, "[CLS]"), (writer.add_eos_token_id, "[SEP]"), (writer.add_sep_token_id, "[SEP]"),
                       (writer.add_unk_token_id, "[UNK]"), (writer.add_pad_token_id, "[PAD]"), (writer.add_mask_token_id, "[MASK]")):
        add(special[token])


def is_narrow(name):
    """Whether a tensor of a GGUF file is stored in fewer bits: those that products read, and the table of words."""
    return name.endswith(".weight") and "norm" not in name and not name.startswith(("position_embd", "token_types"))


def add_tensors(writer, weights, kind):
    from gguf import GGMLQuantizationType, quants
    for name, values in weights.items():
        if target := gguf_name(name):
            stored = GGMLQuantizationType[kind if is_narrow(target) else "F32"]
            writer.add_tensor(target, quants.quantize(values.astype("float32"), stored), raw_dtype=stored)


def main():
    import gguf
    import safetensors.numpy
    folder, precision, target = sys.argv[1:]
    folder = pathlib.Path(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    partial = target + ".partial"
    writer = gguf.GGUFWriter(partial, "bert")
    add_shape(writer, config)
    add_tokenizer(writer, config, json.loads((folder / "tokenizer.json").read_text(encoding="utf-8")))
    add_tensors(writer, safetensors.numpy.load_file(folder / "model.safetensors"), TYPES[precision])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(partial, target)


if __name__ == "__main__":
    main()
