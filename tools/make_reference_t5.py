"""Makes the tiny T5 checkpoints of tests/golden that reading and writing text are tested with.

usage: make_reference_t5.py [NAME …]   # all of CASES by default

Each directory gets config.json, generation_config.json, model.safetensors (F16, from which both sides compute in fp32)
and reference.safetensors of transformers, one sequence at a time:
  ids.N, target.N                source and fed target tokens; hidden.N.L every layer of the encoder (encoder goldens)
  decoder.N.L, logits.N          every layer of the decoder and the logits for the fed target
  prompts, generated.S           for each prompt (rows of `prompts`, padded with -1) the ids that generate() writes with
                                 the settings S of SETTINGS, padded with -1; some settings for the first FEW prompts
  buckets                        relative_position_bucket for distances -1000 … 1000: encoder, then decoder
t5-relu also gets a small tokenizer.json and texts.jsonl: texts and what is written for them.
metadata.json tells how far the last layers and the logits move when a part of the model is changed (`sensitivity`,
relative to the largest value); every such change must move one of them by SENSITIVITY_FLOOR at least, two hundred times
the tolerance of the tests. It also tells how far apart the two best candidates of the closest decision are: prompts
with a decision closer than MARGIN are not used, since rounding would decide them.
Needs the packages of bench/requirements.txt. Everything is seeded.
"""

import argparse
import json
import math
import pathlib
import platform
import re

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers.models.t5.modeling_t5 import T5Attention

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
SEED = 23
SENSITIVITY_FLOOR = 2e-3
MARGIN = 2e-3
PROMPTS = 56
NEW_TOKENS = 24
DISTANCES = range(-1000, 1001)

T5 = {"model_type": "t5", "vocab_size": 89, "d_model": 36, "d_kv": 11, "num_heads": 3, "d_ff": 52, "num_layers": 2,
      "num_decoder_layers": 2, "relative_attention_num_buckets": 12, "relative_attention_max_distance": 24,
      "n_positions": 96, "dropout_rate": 0.0, "layer_norm_epsilon": 1e-6, "pad_token_id": 0, "eos_token_id": 1,
      "decoder_start_token_id": 0, "is_encoder_decoder": True}
# Directory → configuration, changes of it that the result must feel, and whether it is used for generation.
CASES = {
    "t5-relu": (T5, {"activation": {"feed_forward_proj": "silu"}, "scale": {"scale_decoder_outputs": False}}, True),
    "t5-gated": ({**T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False, "d_kv": 16, "num_heads": 2, "relative_attention_num_buckets": 32,
                  "relative_attention_max_distance": 40, "eos_token_id": [1, 2]},
                 {"activation": {"feed_forward_proj": "gated-silu"}}, True),
    "t5-silu": ({**T5, "feed_forward_proj": "gated-silu", "num_layers": 1, "num_decoder_layers": 2, "d_kv": 20,
                 "relative_attention_num_buckets": 6, "relative_attention_max_distance": 8},
                {"activation": {"feed_forward_proj": "gated-gelu"}}, False),
    "t5-encoder": ({**T5, "architectures": ["T5EncoderModel"], "d_kv": 7, "num_heads": 5, "num_layers": 3}, {}, None),
}
LENGTHS = (1, 2, 7, 16, 33, 64, 96)
# What generate() is asked for; "greedy" and "beam" for all prompts, the others for some. Also in generation_test.cc.
SETTINGS = {
    "greedy": {"num_beams": 1},
    "beam": {"num_beams": 4},
    "greedy-repetition": {"num_beams": 1, "repetition_penalty": 1.7, "min_new_tokens": 5},
    "beam-returns": {"num_beams": 5, "num_return_sequences": 3, "length_penalty": 2.0, "early_stopping": True},
    "beam-short": {"num_beams": 3, "num_return_sequences": 2, "length_penalty": -1.0, "repetition_penalty": 1.3},
    "beam-never": {"num_beams": 2, "early_stopping": "never", "length_penalty": 0.7, "min_new_tokens": 4},
}
FEW = 16
TEXTS = ["def add(a, b):", "write code", "the end of it", "Return 42!", "a", "is it to be and to add?",
         "x = y + z", "one two three four five six seven eight nine ten"]
# Wider rows for the tokens that end a sequence, so that some do.
END_TOKENS, END_SCALE = [1, 2], {"lm_head.weight": 2.0, "shared.weight": 1.25}


def make_model(values, encoder_only):
    config = transformers.T5Config(**{key: value for key, value in values.items() if key != "model_type"})
    if "scale_decoder_outputs" in values:
        config.scale_decoder_outputs = values["scale_decoder_outputs"]
    config._attn_implementation = "eager"
    kind = transformers.T5EncoderModel if encoder_only else transformers.T5ForConditionalGeneration
    model = kind(config).eval().float()
    if not encoder_only and values.get("tie_word_embeddings") is False:
        model.lm_head.weight = torch.nn.Parameter(torch.empty(config.vocab_size, config.d_model))
    return model


def draw_weights(model):
    """Wide weights and norms far from identity; logits wide enough to end some sequences and not others."""
    state, names = {}, dict(model.named_parameters())
    for i, (name, parameter) in enumerate(sorted(model.named_parameters())):
        values = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(SEED + i))
        if parameter.dim() == 1:
            values = 1.0 + 0.4 * values
        elif "relative_attention_bias" in name:
            values = 1.5 * values
        elif re.search(r"\.[qk]\.weight", name):
            values = 0.9 * values / math.sqrt(parameter.shape[1]) * parameter.shape[0] ** -0.05
        elif name == "lm_head.weight":
            values = 2.0 * values / math.sqrt(parameter.shape[1])
        elif name == "shared.weight":
            values = 0.5 * values  # small beside what the layers add, or a tied model would repeat its input
        else:
            values = 1.5 * values / math.sqrt(parameter.shape[1])
        if name in END_SCALE and not (name == "shared.weight" and "lm_head.weight" in names):
            values[END_TOKENS] *= END_SCALE[name]
        state[name] = values.half()
    return state


def load(values, state, encoder_only):
    model = make_model(values, encoder_only)
    wanted = dict(model.named_parameters())
    assert set(wanted) == set(state), set(wanted) ^ set(state)
    model.load_state_dict({name: value.float() for name, value in state.items()}, strict=False)
    return model


def run(model, ids, target):
    """Hidden states of encoder and decoder, and logits; the latter two empty for an encoder."""
    arguments = {"input_ids": torch.tensor([ids]), "output_hidden_states": True}
    with torch.inference_mode():
        if isinstance(model, transformers.T5EncoderModel):
            output = model(**arguments)
            assert torch.equal(output.hidden_states[-1], output.last_hidden_state)
            return [state[0].numpy() for state in output.hidden_states], [], np.zeros(0, np.float32)
        output = model(**arguments, decoder_input_ids=torch.tensor([target]), use_cache=False)
    assert torch.equal(output.encoder_hidden_states[-1], output.encoder_last_hidden_state)
    return ([state[0].numpy() for state in output.encoder_hidden_states],
            [state[0].numpy() for state in output.decoder_hidden_states], output.logits[0].numpy())


def last(model, sequences):
    found = []
    for ids, target in sequences:
        encoder, decoder, logits = run(model, ids, target)
        found.append([encoder[-1], *decoder[-1:], logits] if decoder else [encoder[-1]])
    return found


def moved_by(changed, expected):
    return max(float(np.abs(a - b).max() / np.abs(b).max())
               for one, other in zip(changed, expected) for a, b in zip(one, other))


def sensitivity(values, state, changes, sequences, encoder_only):
    expected = last(load(values, state, encoder_only), sequences)
    moved = {}
    nearer = {"relative_attention_max_distance": values["relative_attention_num_buckets"] // 2 + 2}
    for name, change in {"max_distance": nearer, "epsilon": {"layer_norm_epsilon": 0.3}, **changes}.items():
        moved[name] = moved_by(last(load({**values, **change}, state, encoder_only), sequences), expected)
    for name, tensor in state.items():
        variants = {"reversed ": tensor.flip(0)}
        if "relative_attention_bias" in name:
            variants["off by one "] = tensor.roll(1, 0)
            # One bucket alone, the nearest and the last: a wrong edge moves only those.
            variants["last bucket "] = torch.cat([tensor[:-1], -tensor[-1:]])
            variants["swapped sides "] = tensor.roll(tensor.shape[0] // 2, 0)
        for what, changed in variants.items():
            model = load(values, {**state, name: changed}, encoder_only)
            moved[what + name] = moved_by(last(model, sequences), expected)
    return moved


def bucket_rows(values):
    distances = torch.tensor(list(DISTANCES))
    count, farthest = values["relative_attention_num_buckets"], values["relative_attention_max_distance"]
    return np.stack([T5Attention._relative_position_bucket(distances, bidirectional, count, farthest).numpy()
                     for bidirectional in (True, False)]).astype(np.int32)


def generate(model, prompt, settings):
    """The ids behind the start token of each returned sequence, and the closest decision on the way."""
    closest = [math.inf]

    def watch(module, arguments, output):
        # The two best tokens must differ clearly wherever greedy search chooses.
        best = torch.topk(output.logits[:, -1], 2).values
        closest[0] = min(closest[0], float((best[:, 0] - best[:, 1]).min()))

    hook = model.register_forward_hook(watch)
    with torch.inference_mode():
        found = model.generate(torch.tensor([prompt]), max_new_tokens=NEW_TOKENS, do_sample=False, **settings)
    hook.remove()
    ends = model.config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    rows = []
    for row in found[:, 1:].tolist():
        end = next((i + 1 for i, token in enumerate(row) if token in ends), len(row))
        rows.append(row[:end])
    return rows, closest[0]


def perturbed_models(values, state):
    """Models whose weights are moved by a few times what other orders of summation do."""
    models = []
    for seed in (1, 2):
        generator = torch.Generator().manual_seed(seed)
        model = load(values, state, False)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1 + 3e-5 * torch.randn(parameter.shape, generator=generator))
        models.append(model)
    return models


def robust(perturbed, prompt, settings, expected):
    """Whether rounding could not change the answer."""
    return all(generate(model, prompt, settings)[0] == expected for model in perturbed)


def padded(rows):
    table = np.full((len(rows), max(map(len, rows))), -1, dtype=np.int32)
    for i, row in enumerate(rows):
        table[i, :len(row)] = row
    return table


def add_generation(tensors, values, state):
    model, perturbed = load(values, state, False), perturbed_models(values, state)
    random = np.random.default_rng(SEED)
    prompts, answers, ended = [], {name: [] for name in SETTINGS}, 0
    while len(prompts) < PROMPTS:
        prompt = random.integers(3, values["vocab_size"], random.integers(1, 60)).tolist()
        found = {name: generate(model, prompt, settings) for name, settings in SETTINGS.items()
                 if name in ("greedy", "beam") or len(prompts) < FEW}
        if found["greedy"][1] < MARGIN:
            continue
        if not all(robust(perturbed, prompt, SETTINGS[name], rows) for name, (rows, _) in found.items()):
            continue
        prompts.append(prompt)
        ended += len(found["greedy"][0][0]) < NEW_TOKENS
        for name, (rows, _) in found.items():
            answers[name] += rows
    if not PROMPTS // 5 <= ended <= PROMPTS * 4 // 5:
        print(f"warning: {ended} of {PROMPTS} greedy answers end by themselves")
    tensors["prompts"] = padded(prompts)
    for name, rows in answers.items():
        tensors[f"generated.{name}"] = padded(rows)
    return {"greedy answers that end by themselves": ended,
            "different greedy answers": len({tuple(row) for row in answers["greedy"]}),
            "beam answers unlike greedy": sum(a != b for a, b in zip(answers["greedy"], answers["beam"]))}


def make_tokenizer():
    """WordPiece over letters and a few words; lower case; the end token behind each text."""
    words = ["the", "def", "add", "##ing", "##er", "return", "code", "write", "of", "and", "to", "is", "it"]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    vocabulary = ["<pad>", "</s>", "<unk>", *letters, *("##" + letter for letter in letters), *words,
                  *"0123456789.,()=:+-*'!?"]
    vocabulary = {token: i for i, token in enumerate(vocabulary[:T5["vocab_size"]])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>",
                                                             special_tokens=[("</s>", 1)])
    return tokenizer


def write_texts(directory, values, state):
    """texts.jsonl: what generate() writes for TEXTS, as ids and as text."""
    tokenizer = make_tokenizer()
    tokenizer.save(str(directory / "tokenizer.json"))
    model, perturbed = load(values, state, False), perturbed_models(values, state)
    lines = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        row = {"text": text, "source_tokens": len(ids)}
        for name in ("greedy", "beam"):
            found, closest = generate(model, ids, SETTINGS[name])
            if closest < MARGIN or not robust(perturbed, ids, SETTINGS[name], found):
                break
            row[name] = {"token_ids": found[0], "text": tokenizer.decode(found[0], skip_special_tokens=True)}
        else:
            lines.append(json.dumps(row) + "\n")
    if len(lines) < 5:
        raise SystemExit(f"rounding would decide what follows most of the texts: only {len(lines)} are left")
    (directory / "texts.jsonl").write_text("".join(lines))


def make(name):
    values, changes, generates = CASES[name]
    encoder_only = generates is None
    directory = GOLDEN / name
    directory.mkdir(parents=True, exist_ok=True)
    state = draw_weights(make_model(values, encoder_only))
    model = load(values, state, encoder_only)
    random = np.random.default_rng(SEED)
    draw = lambda length: random.integers(3, values["vocab_size"], length).tolist()
    sequences = [(draw(length), [0, *draw(LENGTHS[-1 - i] - 1)]) for i, length in enumerate(LENGTHS)]
    tensors = {"buckets": bucket_rows(values)}
    for i, (ids, target) in enumerate(sequences):
        encoder, decoder, logits = run(model, ids, target)
        tensors[f"ids.{i}"] = np.array(ids, dtype=np.int32)
        tensors |= {f"hidden.{i}.{layer}": np.ascontiguousarray(hidden) for layer, hidden in enumerate(encoder)}
        if not encoder_only:
            tensors[f"target.{i}"] = np.array(target, dtype=np.int32)
            tensors |= {f"decoder.{i}.{layer}": np.ascontiguousarray(hidden) for layer, hidden in enumerate(decoder)}
            tensors[f"logits.{i}"] = np.ascontiguousarray(logits)
    moved = sensitivity(values, state, changes, sequences, encoder_only)
    weak = {key: value for key, value in moved.items() if not value >= SENSITIVITY_FLOOR}
    facts = add_generation(tensors, values, state) if generates else {}
    save_numpy(tensors, directory / "reference.safetensors")
    save_file({key: value.contiguous() for key, value in state.items()}, directory / "model.safetensors",
              metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps(values, indent=1) + "\n")
    if not encoder_only:
        settings = {"decoder_start_token_id": 0, "eos_token_id": values["eos_token_id"], "pad_token_id": 0}
        (directory / "generation_config.json").write_text(json.dumps(settings, indent=1) + "\n")
    if name == "t5-relu":
        write_texts(directory, values, state)
    versions = {"python": platform.python_version(), "torch": torch.__version__,
                "transformers": transformers.__version__}
    (directory / "metadata.json").write_text(json.dumps(
        {"seed": SEED, "lengths": LENGTHS, "versions": versions, **facts,
         "sensitivity": {key: round(value, 5) for key, value in moved.items()}}, indent=1) + "\n")
    least = sorted(moved.items(), key=lambda item: item[1])[:4]
    print(f"{name}: {facts}; {len(moved)} changes; the least moves: {least}")
    if weak:
        raise SystemExit(f"{name}: these changes hardly show: {weak}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    torch.set_num_threads(1)
    for name in parser.parse_args().names or CASES:
        make(name)


if __name__ == "__main__":
    main()
