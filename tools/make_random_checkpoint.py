"""Makes a full-size model directory with random weights: true shapes for load, memory and speed, no meaning.

usage: make_random_checkpoint.py NAME DIRECTORY [--dtype f32|f16|bf16]

NAME is one of ARCHITECTURES. The directory gets config.json, model.safetensors and a tokenizer.json that is small but
valid: words "a" … of the vocabulary's first ids. Needs the packages of bench/requirements.txt. Everything is seeded.
"""

import argparse
import json
import pathlib

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

SEED = 5
DEBERTA = {"model_type": "deberta-v2", "vocab_size": 128100, "max_position_embeddings": 512, "type_vocab_size": 0,
           "relative_attention": True, "position_buckets": 256, "norm_rel_ebd": "layer_norm", "share_att_key": True,
           "pos_att_type": ["p2c", "c2p"], "position_biased_input": False, "max_relative_positions": -1,
           "layer_norm_eps": 1e-7, "hidden_act": "gelu", "pad_token_id": 0}
BASE = {**DEBERTA, "hidden_size": 768, "num_attention_heads": 12, "num_hidden_layers": 12, "intermediate_size": 3072}
LARGE = {**DEBERTA, "hidden_size": 1024, "num_attention_heads": 16, "num_hidden_layers": 24, "intermediate_size": 4096}
DETECTOR = {"architectures": ["DebertaV2ForTokenClassification"], "id2label": {"0": "human", "1": "ai"},
            "label2id": {"human": 0, "ai": 1}}
NLI = {"architectures": ["DebertaV2ForSequenceClassification"],
       "id2label": {"0": "contradiction", "1": "entailment", "2": "neutral"},
       "label2id": {"contradiction": 0, "entailment": 1, "neutral": 2}}
# The configurations of the published models of these names (t5-220m: CodeT5+ 220M; minilm-long: all-MiniLM-L6-v2, but for
# the length of its texts).
ARCHITECTURES = {
    "minilm-long": {"model_type": "bert", "vocab_size": 30522, "hidden_size": 384, "num_attention_heads": 12,
                    "num_hidden_layers": 6, "intermediate_size": 1536, "max_position_embeddings": 8192,
                    "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu", "pad_token_id": 0},
    "distilbert-base": {"model_type": "distilbert", "vocab_size": 30522, "dim": 768, "n_heads": 12, "n_layers": 6,
                        "hidden_dim": 3072, "max_position_embeddings": 512, "activation": "gelu", "pad_token_id": 0},
    "deberta-v3-base": BASE,
    "deberta-v3-large": LARGE,
    "deberta-v3-base-detector": {**BASE, **DETECTOR},
    "deberta-v3-large-detector": {**LARGE, **DETECTOR},
    "deberta-v3-base-nli": {**BASE, **NLI},
    "t5-220m": {"model_type": "t5", "architectures": ["T5ForConditionalGeneration"], "vocab_size": 32100,
                "d_model": 768, "d_kv": 64, "num_heads": 12, "d_ff": 3072, "num_layers": 12, "num_decoder_layers": 12,
                "relative_attention_num_buckets": 32, "relative_attention_max_distance": 128, "n_positions": 512,
                "feed_forward_proj": "relu", "layer_norm_epsilon": 1e-6, "is_encoder_decoder": True,
                "decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 2},
}
DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def make_tokenizer(special):
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    vocabulary = [*special, *letters, *("##" + letter for letter in letters), *"0123456789.,;:!?()[]{}=+-*/'\""]
    tokenizer = Tokenizer(models.WordPiece({token: i for i, token in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    return tokenizer


def make_model(config):
    """Of the first architecture that the configuration names; without one the encoder alone."""
    values = {key: value for key, value in config.items() if key != "architectures"}
    made = transformers.AutoConfig.for_model(**values)
    kind = config.get("architectures")
    return getattr(transformers, kind[0])(made) if kind else transformers.AutoModel.from_config(made)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(ARCHITECTURES))
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--dtype", choices=sorted(DTYPES), default="f32")
    arguments = parser.parse_args()
    config = ARCHITECTURES[arguments.name]
    arguments.directory.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    model = make_model(config).eval()  # with the architecture's own initialisation
    weights = {name: value.detach().to(DTYPES[arguments.dtype]).contiguous() for name, value in model.named_parameters()}
    save_file(weights, arguments.directory / "model.safetensors", metadata={"format": "pt"})
    (arguments.directory / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    make_tokenizer(["[PAD]", "[CLS]", "[SEP]", "[UNK]"]).save(str(arguments.directory / "tokenizer.json"))
    count = sum(value.numel() for value in weights.values())
    print(f"{arguments.name}: {count / 1e6:.1f} million parameters in {arguments.directory}")


if __name__ == "__main__":
    main()
