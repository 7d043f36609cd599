"""Makes tests/golden/t5-code: a tiny seeded T5 with the vocabulary kind, special tokens and ids of CodeT5+ (byte-level BPE,
<s> … </s> around a text, <extra_id_N> for gaps, end id 2, start id 0), and what transformers' generate() writes for code.

usage: make_reference_completion.py

snippets.jsonl has for each snippet of code_snippets.py its language, its code, the ids that greedy search writes
("token_ids") and their text. Snippets with a decision that rounding could turn are left out (see
make_reference_t5.py). gaps.jsonl has the same for code with a gap: code, suffix, ids. Needs the packages of
bench/requirements.txt. Everything is seeded.
"""

import json
import platform

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from code_snippets import TEMPLATES, snippets
from make_reference_t5 import GOLDEN, MARGIN, SEED, draw_weights, generate, load, make_model, perturbed_models, robust

VOCABULARY = 640
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<mask>"]
GAPS = [f"<extra_id_{i}>" for i in range(4)]
VALUES = {"model_type": "t5", "vocab_size": VOCABULARY, "d_model": 32, "d_kv": 8, "num_heads": 4, "d_ff": 64,
          "num_layers": 2, "num_decoder_layers": 2, "relative_attention_num_buckets": 32,
          "relative_attention_max_distance": 128, "n_positions": 512, "dropout_rate": 0.0, "layer_norm_epsilon": 1e-6,
          "feed_forward_proj": "relu", "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
          "decoder_start_token_id": 0, "is_encoder_decoder": True}
GREEDY = {"num_beams": 1}


def make_tokenizer():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - len(GAPS), special_tokens=SPECIAL, show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator([code for _, code in snippets()], trainer)
    tokenizer.add_special_tokens([AddedToken(gap, special=True) for gap in GAPS])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return tokenizer


def main():
    torch.set_num_threads(1)
    directory = GOLDEN / "t5-code"
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer()
    tokenizer.save(str(directory / "tokenizer.json"))
    state = draw_weights(make_model(VALUES, False))
    model, perturbed = load(VALUES, state, False), perturbed_models(VALUES, state)

    def answer(text):
        ids = tokenizer.encode(text).ids
        (found,), closest = generate(model, ids, GREEDY)
        if closest < MARGIN or not robust(perturbed, ids, GREEDY, [found]):
            return None
        return {"token_ids": found, "text": tokenizer.decode(found, skip_special_tokens=True)}

    kept = []
    for language, code in snippets():
        if (found := answer(code)) is not None:
            kept.append({"language": language, "code": code, **found})
    counts = {language: sum(row["language"] == language for row in kept) for language in TEMPLATES}
    if len(kept) < 200 or min(counts.values()) < 20:
        raise SystemExit(f"too few snippets are left: {counts}")
    gaps = []
    for language, code in snippets()[::17]:
        half = len(code) // 2
        if (found := answer(code[:half] + GAPS[0] + code[half:])) is not None:
            gaps.append({"language": language, "code": code[:half], "suffix": code[half:], **found})
    (directory / "snippets.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept))
    (directory / "gaps.jsonl").write_text("".join(json.dumps(row) + "\n" for row in gaps))
    save_file({key: value.contiguous() for key, value in state.items()}, directory / "model.safetensors",
              metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps({**VALUES, "architectures": ["T5ForConditionalGeneration"]},
                                                      indent=1) + "\n")
    (directory / "metadata.json").write_text(json.dumps(
        {"seed": SEED, "snippets": counts, "ended": sum(row["token_ids"][-1] == 2 for row in kept),
         "different": len({tuple(row["token_ids"]) for row in kept}),
         "versions": {"python": platform.python_version(), "torch": torch.__version__,
                      "transformers": transformers.__version__}}, indent=1) + "\n")
    print(counts, len(gaps))


if __name__ == "__main__":
    main()
