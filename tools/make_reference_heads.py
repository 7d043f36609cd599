"""Makes the tiny checkpoints of tests/golden/heads: every head of every encoder architecture, complete with a tokenizer.

usage: make_reference_heads.py [NAME …]   # all of CASES by default

Each directory is what save_pretrained() writes (F16 weights, from which both sides compute in fp32), and has
  reference.safetensors  for input N: ids.N, type_ids.N (where the model reads them), marked.N (masked language models:
                         the tokens whose logits follow) and logits.N, one sequence at a time
  pipeline.json          what the task's pipeline of transformers, or sentence-transformers, answers to texts
metadata.json beside the directories tells how far the logits move, relative to the largest, when one tensor of a head
has its rows in reverse (vectors doubled as well), or another activation is used: each by at least SENSITIVITY_FLOOR, a hundred times the tolerance.
Needs the packages of bench/requirements.txt. Everything is seeded.
"""

import argparse
import json
import math
import pathlib
import platform
import shutil
import sys

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "heads"
TOKENIZER = ROOT / "tests" / "golden" / "tiny-bert" / "tokenizer.json"
SEED = 5
SENSITIVITY_FLOOR = 1e-2
VOCABULARY = 300
LENGTHS = (1, 2, 5, 17, 40)
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]

BERT = {"vocab_size": VOCABULARY, "hidden_size": 24, "num_attention_heads": 2, "intermediate_size": 28,
        "num_hidden_layers": 2, "max_position_embeddings": 96, "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0, "pad_token_id": 0}
DISTILBERT = {"vocab_size": VOCABULARY, "dim": 24, "n_heads": 2, "hidden_dim": 28, "n_layers": 2,
              "max_position_embeddings": 96, "dropout": 0.0, "attention_dropout": 0.0, "seq_classif_dropout": 0.0}
ROBERTA = {**BERT, "max_position_embeddings": 98, "type_vocab_size": 2, "layer_norm_eps": 1e-5}
MPNET = {**ROBERTA, "pad_token_id": 1, "relative_attention_num_buckets": 32}
DEBERTA = {**BERT, "layer_norm_eps": 1e-7, "relative_attention": True, "position_buckets": 12, "type_vocab_size": 0,
           "max_relative_positions": -1, "norm_rel_ebd": "layer_norm", "share_att_key": True,
           "pos_att_type": ["p2c", "c2p"], "position_biased_input": False, "pooler_dropout": 0.0}
MODERNBERT = {"vocab_size": VOCABULARY, "hidden_size": 24, "num_attention_heads": 2, "intermediate_size": 28,
              "num_hidden_layers": 2, "max_position_embeddings": 96, "pad_token_id": 0, "bos_token_id": 2,
              "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3, "local_attention": 14,
              "global_attn_every_n_layers": 2}

MOODS = ["joy", "anger", "LABEL_2"]
NLI = ["contradiction", "neutral", "ENTAILMENT"]
SEQUENCE, TOKEN, MASK = "SequenceClassification", "TokenClassification", "MaskedLM"
# Directory → model_type, task, configuration, labels, changes of the configuration that the logits must feel.
CASES = {
    "bert-moods": ("bert", SEQUENCE, BERT, MOODS, {}),
    "distilbert-moods": ("distilbert", SEQUENCE, DISTILBERT, MOODS, {}),
    "roberta-moods": ("roberta", SEQUENCE, ROBERTA, MOODS, {}),
    "xlm-roberta-moods": ("xlm-roberta", SEQUENCE, ROBERTA, MOODS, {}),
    "camembert-moods": ("camembert", SEQUENCE, ROBERTA, MOODS, {}),
    "mpnet-moods": ("mpnet", SEQUENCE, MPNET, MOODS, {}),
    "deberta-moods": ("deberta-v2", SEQUENCE, DEBERTA, MOODS, {"act": {"pooler_hidden_act": "tanh"}}),
    "modernbert-moods": ("modernbert", SEQUENCE, MODERNBERT, MOODS,
                         {"act": {"classifier_activation": "relu"}, "pooling": {"classifier_pooling": "mean"}}),
    "modernbert-mean": ("modernbert", SEQUENCE,
                        {**MODERNBERT, "classifier_pooling": "mean", "classifier_bias": True, "norm_bias": True,
                         "classifier_activation": "silu"}, MOODS,
                        {"act": {"classifier_activation": "gelu"}, "pooling": {"classifier_pooling": "cls"}}),
    "bert-regression": ("bert", SEQUENCE, {**BERT, "problem_type": "regression"}, ["stars"], {}),
    "distilbert-topics": ("distilbert", SEQUENCE, {**DISTILBERT, "problem_type": "multi_label_classification"},
                          ["sports", "politics", "music", "food"], {}),
    "bert-nli": ("bert", SEQUENCE, BERT, NLI, {}),
    "bert-rank": ("bert", SEQUENCE, BERT, ["LABEL_0"], {}),
    "bert-tags": ("bert", TOKEN, BERT, TAGS, {}),
    "roberta-tags": ("roberta", TOKEN, ROBERTA, TAGS, {}),
    "modernbert-tags": ("modernbert", TOKEN, MODERNBERT, TAGS, {"act": {"classifier_activation": "relu"}}),
    "bert-fill": ("bert", MASK, BERT, None, {"act": {"hidden_act": "relu"}}),
    "distilbert-fill": ("distilbert", MASK, DISTILBERT, None, {"act": {"activation": "relu"}}),
    "roberta-fill": ("roberta", MASK, {**ROBERTA, "tie_word_embeddings": False}, None, {}),
    "mpnet-fill": ("mpnet", MASK, MPNET, None, {}),
    "deberta-fill": ("deberta-v2", MASK, DEBERTA, None, {"act": {"hidden_act": "relu"}}),
    "deberta-fill-new": ("deberta-v2", MASK, {**DEBERTA, "legacy": False}, None, {"act": {"hidden_act": "relu"}}),
    "modernbert-fill": ("modernbert", MASK, MODERNBERT, None, {"act": {"classifier_activation": "relu"}}),
}
# The bias of an output layer of its own is the layer's; what stands beside it is left over.
WITHOUT_EFFECT = {("roberta-fill", "reversed lm_head.bias")}
HEAD_PARTS = ("pooler.dense", "classifier", "pre_classifier", "cls.", "vocab_", "lm_head", "lm_predictions", "head.",
              "decoder.")


def make_config(model_type, values, labels):
    extra = {} if labels is None else {"id2label": dict(enumerate(labels)), "label2id": {l: i for i, l in enumerate(labels)}}
    return transformers.AutoConfig.for_model(model_type, **values, **extra)


def auto_class(task):
    return getattr(transformers, f"AutoModelFor{task}")


def draw_weights(model):
    """Wide weights, norms far from identity, so that a swapped, skipped or transposed part shows at once."""
    for i, (name, parameter) in enumerate(sorted(model.named_parameters())):
        values = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(SEED + i))
        if parameter.dim() == 1 and name.endswith("weight"):
            values = 1.0 + 0.4 * values
        elif parameter.dim() == 1:
            values = 0.3 * values
        elif "embeddings" not in name and "relative_attention_bias" not in name:
            values = 1.5 * values / math.sqrt(parameter[0].numel())
        parameter.data.copy_(values.half())


def load(task, directory, **changes):
    config = transformers.AutoConfig.from_pretrained(directory)
    for key, value in changes.items():
        setattr(config, key, value)
    model = auto_class(task).from_pretrained(directory, config=config, dtype=torch.float32,
                                             attn_implementation="eager")
    return model.eval()


def reads_types(model_type):
    return model_type in ("bert", "roberta", "xlm-roberta", "camembert")


def write_tokenizer(model_type, directory):
    shutil.copy(TOKENIZER, directory / "tokenizer.json")
    names = ["input_ids", "token_type_ids", "attention_mask"] if reads_types(model_type) else ["input_ids", "attention_mask"]
    (directory / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 96, "unk_token": "[UNK]",
         "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]",
         "model_input_names": names}, indent=1) + "\n")


def sequences(model_type):
    random = np.random.default_rng(SEED)
    made = []
    for i, length in enumerate(LENGTHS):
        ids = [2, *random.integers(5, VOCABULARY, length).tolist(), 3]
        types = [0] * (length + 2 - length // 2) + [1] * (length // 2) if i % 2 == 1 and reads_types(model_type) else None
        made.append((ids, types))
    return made


def logits_of(model, ids, types):
    extra = {} if types is None else {"token_type_ids": torch.tensor([types])}
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids]), **extra).logits[0].numpy()


def all_logits(model, inputs):
    return [logits_of(model, ids, types) for ids, types in inputs]


def moved(changed, expected):
    return float(max(np.abs(a - b).max() for a, b in zip(changed, expected)) / max(np.abs(b).max() for b in expected))


def sensitivity(task, directory, changes, inputs, expected):
    found = {}
    for name, change in changes.items():
        found[name] = moved(all_logits(load(task, directory, **change), inputs), expected)
    model = load(task, directory)
    for name, parameter in model.named_parameters():
        if not any(name.startswith(part) or "." + part in name for part in HEAD_PARTS):
            continue
        kept = parameter.data.clone()
        parameter.data = kept.flip(0) if kept.dim() > 1 and kept.shape[0] > 1 else kept.flip(0) * 2
        found["reversed " + name] = moved(all_logits(model, inputs), expected)
        parameter.data = kept
    return found


def words():
    vocabulary = json.loads(TOKENIZER.read_text(encoding="utf-8"))["model"]["vocab"]
    return [word for word in vocabulary if len(word) > 1 and word.isalpha()]


def texts(count, longest=12):
    """Texts of known words, of pieces, of characters that the vocabulary lacks, and with punctuation."""
    random = np.random.default_rng(SEED)
    known = words()
    made = []
    for i in range(count):
        parts = []
        for _ in range(random.integers(1, longest)):
            kind = random.integers(10)
            if kind < 6:
                parts.append(str(random.choice(known)))
            elif kind < 8:
                parts.append("".join(random.choice(list("abcdefghiklmnorstu"), random.integers(3, 9))))
            elif kind == 8:
                parts.append(str(random.choice(["\u00c9t\u00e9", "K\u00f6ln", "\u732b", "\U0001f600", "Anna-Maria", "it's"])))
            else:
                parts.append(str(random.choice(["After,", "old!", "U.S.", "(see)"])))
        made.append((" " if i % 5 else "  ").join(parts))
    return made


def plain(value):
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, (np.floating, float)):
        return float(f"{float(value):.7g}")
    return int(value) if isinstance(value, np.integer) else value


def pipeline_answers(name, task, directory):
    model = load(task, directory)
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    def pipe(kind):
        return transformers.pipeline(kind, model=model, tokenizer=tokenizer, device="cpu")
    if task == TOKEN:
        some = texts(32) + [" ".join(words()) + " end"]
        return {"texts": some, **{strategy: [pipe("token-classification")(text, aggregation_strategy=strategy)
                                             for text in some] for strategy in ("simple", "first", "average", "max")}}
    if task == MASK:
        some = [text + " [MASK] after ." for text in texts(10)] + ["[MASK] and [MASK]"]
        answers = [pipe("fill-mask")(text) for text in some]
        return {"texts": some, "fills": [[[{"label": fill["token_str"], "score": fill["score"]} for fill in mask]
                                          for mask in (answer if isinstance(answer[0], list) else [answer])]
                                         for answer in answers]}
    some = texts(12)
    inputs = [{"text": text} for text in some] + [{"text": a, "text_pair": b} for a, b in zip(some[:6], some[6:])]
    answers = {"inputs": inputs, "labels": [pipe("text-classification")(entry, top_k=None) for entry in inputs]}
    if name == "bert-nli":
        labels, template = ["old letters", "the fog", "toda"], "it is about {} ."
        for multi in (False, True):
            answers["zero_shot_multi" if multi else "zero_shot"] = [
                pipe("zero-shot-classification")(text, candidate_labels=labels, hypothesis_template=template,
                                                 multi_label=multi) for text in some]
        answers["candidate_labels"], answers["hypothesis_template"] = labels, template
    if name == "bert-rank":
        from sentence_transformers import CrossEncoder
        documents = texts(31)[1:] + [" ".join(words())]
        ranks = CrossEncoder(str(directory), device="cpu", model_kwargs={"dtype": torch.float32}).rank("after the letters", documents)
        answers["query"], answers["documents"] = "after the letters", documents
        answers["ranks"] = [{"index": rank["corpus_id"], "score": rank["score"]} for rank in ranks]
    return answers


def make(name):
    model_type, task, values, labels, changes = CASES[name]
    directory = GOLDEN / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    model = auto_class(task).from_config(make_config(model_type, values, labels), attn_implementation="eager")
    draw_weights(model)
    if task == TOKEN:
        model.classifier.bias.data[0] -= 3  # else nearly all is "O", and nothing is merged
    model.half().save_pretrained(directory)
    write_tokenizer(model_type, directory)
    if name == "bert-rank":
        from sentence_transformers import CrossEncoder
        CrossEncoder(str(directory), device="cpu", model_kwargs={"dtype": torch.float16}).save_pretrained(str(directory), create_model_card=False)
    for extra in ("README.md", "generation_config.json"):
        (directory / extra).unlink(missing_ok=True)
    inputs = sequences(model_type)
    expected = all_logits(load(task, directory), inputs)
    tensors = {}
    for i, ((ids, types), logits) in enumerate(zip(inputs, expected)):
        tensors[f"ids.{i}"] = np.array(ids, dtype=np.int32)
        if types is not None:
            tensors[f"type_ids.{i}"] = np.array(types, dtype=np.int32)
        if task == MASK:
            marked = sorted({0, len(ids) // 2, len(ids) - 1})
            tensors[f"marked.{i}"] = np.array(marked, dtype=np.int32)
            logits = logits[marked]
        tensors[f"logits.{i}"] = np.ascontiguousarray(logits)
    save_file(tensors, directory / "reference.safetensors")
    answers = plain(pipeline_answers(name, task, directory))
    (directory / "pipeline.json").write_text(json.dumps(answers, separators=(",", ":")) + "\n", encoding="utf-8")
    found = sensitivity(task, directory, changes, inputs, expected)
    least = min(((key, value) for key, value in found.items() if (name, key) not in WITHOUT_EFFECT),
                key=lambda item: item[1])
    print(f"{name}: {len(found)} changes, the least moves {least}", flush=True)
    if least[1] < SENSITIVITY_FLOOR:
        sys.exit(f"{name}: {least[0]} hardly shows")
    return {key: round(value, 4) for key, value in found.items()}


def make_dense():
    """A sentence-transformers model with every pooling mode side by side and a Dense module."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Transformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
    directory = GOLDEN / "st-dense"
    shutil.rmtree(directory, ignore_errors=True)
    base = GOLDEN / "st-dense-base"
    encoder = transformers.AutoModel.from_config(make_config("bert", BERT, None))
    draw_weights(encoder)
    encoder.half().save_pretrained(base)
    write_tokenizer("bert", base)
    transformer = Transformer(str(base), model_kwargs={"dtype": torch.float32})
    modes = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
    dense = Dense(24 * len(modes), 16, activation_function=torch.nn.Tanh())
    draw_weights(dense)
    model = SentenceTransformer(modules=[transformer, Pooling(24, pooling_mode=modes), dense, Normalize()], device="cpu")
    some = texts(12)
    vectors = model.encode(some)
    model.half().save_pretrained(str(directory), create_model_card=False)
    shutil.rmtree(base)
    (directory / "pipeline.json").write_text(json.dumps(plain({"texts": some, "vectors": vectors.tolist()}),
                                                        separators=(",", ":")) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    names = parser.parse_args().names or [*CASES, "st-dense"]
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    path = GOLDEN / "metadata.json"
    metadata = json.loads(path.read_text()) if path.exists() else {}
    for name in names:
        if name == "st-dense":
            make_dense()
        else:
            metadata.setdefault("sensitivity", {})[name] = make(name)
    metadata |= {"seed": SEED, "versions": {"python": platform.python_version(), "torch": torch.__version__,
                                            "transformers": transformers.__version__}}
    path.write_text(json.dumps(metadata, indent=1) + "\n")


if __name__ == "__main__":
    main()
