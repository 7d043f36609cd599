"""Makes the tiny checkpoints of tests/golden that every encoder architecture is tested with.

usage: make_reference_encoders.py [NAME …]   # all of CASES by default

Each directory gets config.json, model.safetensors (F16, from which both sides compute in fp32), reference.safetensors
(ids.N and, for each layer L, hidden.N.L of transformers, one sequence at a time) and metadata.json, which tells how far
the last layer moves when a part of the model is changed: `sensitivity`, relative to the layer's largest value. Every
such change must move it by at least SENSITIVITY_FLOOR, a hundred times the tolerance of the tests.
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

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
SEED = 11
SENSITIVITY_FLOOR = 2e-3
SIZES = {"vocab_size": 97, "hidden_size": 36, "num_attention_heads": 3, "intermediate_size": 52,
         "num_hidden_layers": 2, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
LENGTHS = (1, 2, 3, 7, 16, 17, 25, 33, 49, 64, 96)
VARIANT_LENGTHS = (1, 5, 17, 50, 96)  # of the further checkpoints of an architecture
# The softmax takes no notice of what is added to all scores of a query, which is all that a key's bias does where no
# position asks for keys.
WITHOUT_EFFECT = re.compile(r"reversed (.*\.(k_lin|key|k|key_proj|pos_key_proj)|encoder\.LayerNorm)\.bias$")

DISTILBERT = {"model_type": "distilbert", "vocab_size": 97, "dim": 36, "n_heads": 3, "hidden_dim": 52, "n_layers": 2,
              "max_position_embeddings": 96, "dropout": 0.0, "attention_dropout": 0.0}
ROBERTA = {**SIZES, "max_position_embeddings": 98, "type_vocab_size": 1, "layer_norm_eps": 1e-5, "pad_token_id": 1}
MPNET = {**SIZES, "model_type": "mpnet", "max_position_embeddings": 98, "layer_norm_eps": 1e-5, "pad_token_id": 1,
         "relative_attention_num_buckets": 32}
DEBERTA = {**SIZES, "model_type": "deberta-v2", "max_position_embeddings": 96, "layer_norm_eps": 1e-7,
           "relative_attention": True, "pad_token_id": 0, "type_vocab_size": 0}
V3 = {"position_buckets": 12, "max_relative_positions": -1, "norm_rel_ebd": "layer_norm", "share_att_key": True,
      "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}
MODERNBERT = {"model_type": "modernbert", "vocab_size": 97, "hidden_size": 36, "num_attention_heads": 3,
              "intermediate_size": 52, "num_hidden_layers": 4, "max_position_embeddings": 96, "pad_token_id": 0,
              "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2, "norm_eps": 1e-5,
              "global_attn_every_n_layers": 3, "local_attention": 14, "global_rope_theta": 160000.0,
              "local_rope_theta": 10000.0, "layer_types": None}

# Directory → configuration, the prefix of its tensors' names, and the changes that the last layer must feel: a name and
# either changes of the configuration or a function of the state dict.
CASES = {
    "distilbert": (DISTILBERT, "distilbert.", {"activation": {"activation": "relu"}}),
    "distilbert-relu": ({**DISTILBERT, "activation": "relu"}, "", {"activation": {"activation": "gelu"}}),
    "roberta": ({**ROBERTA, "model_type": "roberta"}, "roberta.",
                {"padding": {"pad_token_id": 0}, "epsilon": {"layer_norm_eps": 1e-2},
                 "activation": {"hidden_act": "relu"}}),
    "xlm-roberta": ({**ROBERTA, "model_type": "xlm-roberta", "hidden_act": "gelu_new", "pad_token_id": 3,
                     "max_position_embeddings": 100}, "", {"padding": {"pad_token_id": 2}}),
    "camembert": ({**ROBERTA, "model_type": "camembert", "hidden_act": "silu"}, "roberta.",
                  {"activation": {"hidden_act": "relu"}}),
    "mpnet": (MPNET, "mpnet.", {"activation": {"hidden_act": "silu"}}),
    "deberta-v3": ({**DEBERTA, **V3}, "deberta.",
                   {"buckets": {"position_buckets": -1, "max_relative_positions": 12},
                    "max_distance": {"max_relative_positions": 64}, "no_p2c": {"pos_att_type": ["c2p"]},
                    "no_c2p": {"pos_att_type": ["p2c"]}, "no_norm": {"norm_rel_ebd": "none"}}),
    "deberta-v2": ({**DEBERTA, **V3, "conv_kernel_size": 3, "conv_act": "gelu", "pos_att_type": "p2c|c2p",
                    "type_vocab_size": 2, "position_buckets": 20, "max_relative_positions": 80}, "",
                   {"conv_act": {"conv_act": "tanh"}, "max_distance": {"max_relative_positions": 96}}),
    "deberta-own-keys": ({**DEBERTA, **V3, "share_att_key": False, "norm_rel_ebd": "none", "position_buckets": -1,
                          "max_relative_positions": 40, "position_biased_input": True, "conv_kernel_size": 5,
                          "conv_groups": 3}, "deberta.",
                         {"no_p2c": {"pos_att_type": ["c2p"]}, "no_c2p": {"pos_att_type": ["p2c"]},
                          "conv_act": {"conv_act": "gelu"}}),
    "deberta-c2p": ({**DEBERTA, **V3, "pos_att_type": ["c2p"], "share_att_key": False}, "",
                    {"no_c2p": {"pos_att_type": []}, "max_distance": {"max_relative_positions": 64}}),
    "deberta-p2c": ({**DEBERTA, **V3, "pos_att_type": ["p2c"], "position_buckets": -1}, "",
                    {"no_p2c": {"pos_att_type": []}}),
    "deberta-absolute": ({**DEBERTA, "relative_attention": False, "pos_att_type": ["c2p", "p2c"]}, "",
                         {"scale": {"pos_att_type": ["c2p"]}}),
    "modernbert": (MODERNBERT, "model.",
                   {"window": {"local_attention": 16}, "global_theta": {"global_rope_theta": 80000.0},
                    "local_theta": {"local_rope_theta": 20000.0}, "every": {"global_attn_every_n_layers": 2},
                    "activation": {"hidden_activation": "relu"}}),
    "modernbert-biases": ({**MODERNBERT, "norm_bias": True, "attention_bias": True, "mlp_bias": True,
                           "hidden_activation": "silu", "local_attention": 51, "num_hidden_layers": 3,
                           "global_attn_every_n_layers": 2}, "",
                          {"window": {"local_attention": 48}, "activation": {"hidden_activation": "gelu"}}),
}

VARIANTS = set(CASES) - {"distilbert", "roberta", "mpnet", "deberta-v3", "modernbert"}


def make_config(values):
    values = {key: value for key, value in values.items() if value is not None}
    return transformers.AutoConfig.for_model(**values)


def make_model(values):
    model = transformers.AutoModel.from_config(make_config(values), attn_implementation="eager").eval().float()
    for name, module in model.named_children():
        if name == "pooler":
            model.pooler = None
    return model


def draw_weights(model):
    """Wide weights, norms far from identity, so that a swapped, skipped or transposed part shows at once."""
    state = {}
    for i, (name, parameter) in enumerate(sorted(model.named_parameters())):
        values = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(SEED + i))
        is_norm = parameter.dim() == 1 and name.endswith("weight")
        if is_norm:
            values = 1.0 + 0.4 * values
        elif name.endswith("bias") and parameter.dim() == 1:
            values = 0.3 * values
        elif "embeddings" not in name and parameter.dim() > 1 and "relative_attention_bias" not in name:
            values = 1.5 * values / math.sqrt(parameter[0].numel())
        state[name] = values.half()
    return state


def load(values, state):
    model = make_model(values)
    wanted = dict(model.named_parameters())
    missing = [name for name in wanted if name not in state or state[name].shape != wanted[name].shape]
    if missing:
        raise ValueError(f"a change of the configuration must not change the tensors: {missing}")
    model.load_state_dict({name: state[name].float() for name in wanted}, strict=False)
    return model


def run(model, ids):
    with torch.inference_mode():
        output = model(torch.tensor([ids]), output_hidden_states=True)
    states = [state[0].numpy() for state in output.hidden_states]
    assert np.array_equal(states[-1], output.last_hidden_state[0].numpy())
    return states


def relative(a, b):
    return float(np.abs(a - b).max() / np.abs(b).max())


def last_layers(model, sequences):
    return [run(model, ids)[-1] for ids in sequences]


def sensitivity(values, state, changes, sequences, expected):
    moved = {}
    for name, change in changes.items():
        changed = last_layers(load({**values, **change}, state), sequences)
        moved[name] = max(relative(a, b) for a, b in zip(changed, expected))
    # Each tensor alone, its rows in reverse.
    for name in state:
        perturbed = {**state, name: state[name].flip(0) if state[name].shape[0] > 1 else state[name] * 2}
        changed = last_layers(load(values, perturbed), sequences)
        moved["reversed " + name] = max(relative(a, b) for a, b in zip(changed, expected))
    # Rows of tables one after the other, as a position or bucket that is off by one would read them.
    for name, tensor in state.items():
        if "embeddings.position" in name or "rel_embeddings" in name or "relative_attention_bias" in name:
            perturbed = {**state, name: tensor.roll(1, 0)}
            moved["off by one " + name] = max(relative(a, b) for a, b in
                                              zip(last_layers(load(values, perturbed), sequences), expected))
    return moved


def make(name):
    values, prefix, changes = CASES[name]
    directory = GOLDEN / name
    directory.mkdir(parents=True, exist_ok=True)
    state = draw_weights(make_model(values))
    model = load(values, state)
    random = np.random.default_rng(SEED)
    lengths = VARIANT_LENGTHS if name in VARIANTS else LENGTHS
    sequences = [random.integers(4, 97, length).tolist() for length in lengths]
    if "max_position_embeddings" in values and values["max_position_embeddings"] > 96:
        sequences[-3][10] = values["pad_token_id"]  # is not counted as a position
    tensors, expected = {}, []
    for i, ids in enumerate(sequences):
        tensors[f"ids.{i}"] = np.array(ids, dtype=np.int32)
        states = run(model, ids)
        expected.append(states[-1])
        for layer, hidden in enumerate(states):
            tensors[f"hidden.{i}.{layer}"] = np.ascontiguousarray(hidden)
    moved = sensitivity(values, state, changes, sequences, expected)
    weak = {key: value for key, value in moved.items()
            if not value >= SENSITIVITY_FLOOR and not (WITHOUT_EFFECT.search(key) and value < 1e-5)}
    save_numpy(tensors, directory / "reference.safetensors")
    save_file({prefix + key: value.contiguous() for key, value in state.items()}, directory / "model.safetensors",
              metadata={"format": "pt"})
    config = {key: value for key, value in values.items() if value is not None}
    (directory / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    versions = {"python": platform.python_version(), "torch": torch.__version__,
                "transformers": transformers.__version__}
    (directory / "metadata.json").write_text(json.dumps(
        {"seed": SEED, "lengths": lengths, "versions": versions,
         "sensitivity": {key: round(value, 5) for key, value in moved.items()}}, indent=1) + "\n")
    least = sorted(moved.items(), key=lambda item: item[1])[:4]
    print(f"{name}: {len(moved)} changes; the least moves: {least}")
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
