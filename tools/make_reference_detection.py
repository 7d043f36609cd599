"""Makes tests/golden/detector-deberta and tests/golden/detector-distilbert: tiny seeded token classifiers with tokenizers,
and what detection must answer about many texts.

usage: make_reference_detection.py

reference.jsonl holds a text a line with one probability for each of its words, computed here from transformers' model and
fast tokenizer by the rules of docs/detection.md: "words" trims blanks off the tokens' offsets and reads long texts in
windows and words longer than one token by token, "compatible" counts only tokens fully inside a word and leaves what the model does not see at 0, "truncated" counts
the words past the model's limit. Needs the packages of bench/requirements.txt. Everything is seeded.
"""

import json
import pathlib
import random
import re
import shutil

import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
SEED = 11
LIMIT = 128  # tokens
OVERLAP = 64

DEBERTA = {"hidden_size": 24, "num_attention_heads": 2, "intermediate_size": 28, "num_hidden_layers": 2,
           "max_position_embeddings": LIMIT, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
           "pad_token_id": 0, "layer_norm_eps": 1e-7, "relative_attention": True, "position_buckets": 12,
           "type_vocab_size": 0, "max_relative_positions": -1, "norm_rel_ebd": "layer_norm", "share_att_key": True,
           "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}
DISTILBERT = {"dim": 24, "n_heads": 2, "hidden_dim": 28, "n_layers": 2, "max_position_embeddings": LIMIT, "dropout": 0.0,
              "attention_dropout": 0.0, "pad_token_id": 0}
# Directory → model_type, configuration, tokenizer, labels (the AI label stands in either place).
CASES = {
    "detector-deberta": ("deberta-v2", DEBERTA, "tests/tokenizer/data/deberta_v3/tokenizer.json", ["human", "ai"]),
    "detector-distilbert": ("distilbert", DISTILBERT, "tests/golden/tiny-bert/tokenizer.json", ["AI-generated", "Human"]),
}


def make_model(model_type, values, labels, vocabulary):
    config = transformers.AutoConfig.for_model(model_type, vocab_size=vocabulary, id2label=dict(enumerate(labels)),
                                               label2id={label: i for i, label in enumerate(labels)}, **values)
    model = transformers.AutoModelForTokenClassification.from_config(config, attn_implementation="eager")
    for i, (name, parameter) in enumerate(sorted(model.named_parameters())):
        drawn = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(SEED + i))
        if parameter.dim() == 1:
            drawn = 1.0 + 0.4 * drawn if name.endswith("weight") else 0.3 * drawn
        elif "embeddings" not in name:
            drawn = 1.5 * drawn / parameter[0].numel() ** 0.5
        parameter.data.copy_(drawn.half())
    return model


def make_texts():
    """Passages of the demo as they are, in pieces, with odd blanks, several together, and a few that are just odd."""
    chance = random.Random(SEED)
    lines = (ROOT / "examples" / "demo" / "passages.jsonl").read_text(encoding="utf-8").splitlines()
    passages = [json.loads(line)["text"] for line in lines]
    sentences = [part for passage in passages for part in re.split(r"(?<=\.) ", passage)]
    texts = chance.sample(sentences, 120)
    blanks = [" ", "  ", "\n", "\t", " \n ", "\u00a0", "\u3000", "\r\n", "\u2003"]
    for sentence in chance.sample(sentences, 60):
        texts.append("".join(word + chance.choice(blanks) for word in sentence.split()))
    texts += [chance.choice(blanks) + sentence for sentence in chance.sample(sentences, 15)]
    texts += [" ".join(chance.sample(passages, count)) for count in (2, 3, 3, 4, 5, 6, 8)]
    texts += ["a", "A.", "?!", "the the the the the", "x" * 90, "long-" * 150 + "end", "Köln, Zürich und Málaga",
              "漢字 と かな", "однажды вечером", "naïve café — “quoted” …", "e\u0301te\u0301 I\u0307stanbul", "1,000,000 3.14 50%",
              "https://example.org/a?b=c#d", "😀 👩‍👩‍👧 ok", "tab\tand\nnewline", "don't can't won't", "a\u00adb\u200bc d"]
    return texts


def token_scores(model, tokenizer, text, label):
    """Windows of (offset, score) of the tokens that stand for text, the first as long as the model takes."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    ids, offsets = encoded["input_ids"], [tuple(offset) for offset in encoded["offset_mapping"]]
    room = LIMIT - tokenizer.num_special_tokens_to_add()
    windows, begin = [], 0
    while True:
        piece = ids[begin:begin + room]
        full = [tokenizer.cls_token_id, *piece, tokenizer.sep_token_id]
        with torch.inference_mode():
            scores = model(input_ids=torch.tensor([full])).logits[0].double().softmax(-1)[:, label].tolist()
        windows.append(list(zip(offsets[begin:begin + room], scores[1:-1])))
        if begin + room >= len(ids):
            return windows
        begin += room - OVERLAP


def trimmed(text, offset):
    """The span without its blanks; one of blanks alone becomes the empty span at its end."""
    begin, end = offset
    while begin < end and text[begin].isspace():
        begin += 1
    while begin < end and text[end - 1].isspace():
        end -= 1
    return begin, end


def each_token_once(windows):
    """From the window in which it is farthest from where the window was cut."""
    step = len(windows[0]) - OVERLAP
    best = {}
    for number, window in enumerate(windows):
        for place, token in enumerate(window):
            to_begin = place if number > 0 else LIMIT
            to_end = len(window) - 1 - place if number + 1 < len(windows) else LIMIT
            best.setdefault(number * step + place, []).append((min(to_begin, to_end), token))
    return [max(seen, key=lambda entry: entry[0])[1] for seen in best.values()]


def word_means(spans, tokens):
    """(mean, number of tokens) for each word."""
    means = []
    for begin, end in spans:
        inside = [score for (first, last), score in tokens if begin <= first and last <= end]
        means.append((sum(inside) / len(inside) if inside else 0.0, len(inside)))
    return means


def answer(model, tokenizer, text, label):
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    windows = token_scores(model, tokenizer, text, label)
    strict = word_means(spans, windows[0])
    seen = [word_means(spans, [(trimmed(text, offset), score) for offset, score in window])
            for window in [*windows, each_token_once(windows)]]
    best = [max(of_word, key=lambda entry: entry[1]) for of_word in zip(*seen)]
    truncated = sum(found[1] > first[1] for found, first in zip(best, seen[0]))
    return {"text": text, "words": [round(mean, 6) for mean, _ in best], "compatible": [round(mean, 6) for mean, _ in strict],
            "truncated": truncated}


def make(name):
    model_type, values, tokenizer_file, labels = CASES[name]
    directory = GOLDEN / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    shutil.copy(ROOT / tokenizer_file, directory / "tokenizer.json")
    (directory / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": LIMIT, "unk_token": "[UNK]",
         "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]",
         "model_input_names": ["input_ids", "attention_mask"]}, indent=1) + "\n")
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(directory)
    make_model(model_type, values, labels, len(tokenizer)).half().save_pretrained(directory)
    (directory / "generation_config.json").unlink(missing_ok=True)
    model = transformers.AutoModelForTokenClassification.from_pretrained(directory, dtype=torch.float32,
                                                                         attn_implementation="eager").eval()
    label = next(i for i, text in enumerate(labels) if text.lower().startswith("ai"))
    rows = [answer(model, tokenizer, text, label) for text in make_texts()]
    with (directory / "reference.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    print(f"{name}: {len(rows)} texts, {sum(len(row['words']) for row in rows)} words, "
          f"{sum(row['truncated'] for row in rows)} past the limit")


if __name__ == "__main__":
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    for case in CASES:
        make(case)
