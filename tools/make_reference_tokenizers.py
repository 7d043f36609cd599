"""Makes the small tokenizers of tests/tokenizer/data that stand for every kind we read, with the `tokenizers` package.

usage: make_reference_tokenizers.py [--out FOLDER] [--pieces N] [--seed N] [KIND …]   # all kinds by default

Each directory gets tokenizer.json, shaped like the real files of its kind, and pieces.jsonl: pieces with the tokens
(id, begin, end) that the package's model makes of them. Trained on tests/tokenizer's own texts; everything is seeded.
Needs the packages of bench/requirements.txt.
"""

import argparse
import base64
import io
import json
import pathlib
import random
import sys

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TESTS = pathlib.Path(__file__).resolve().parent.parent / "tests" / "tokenizer"
sys.path.insert(0, str(TESTS))

import lines  # noqa: E402
import source_code  # noqa: E402

SEED = 20251121
PIECES = 350
LONG_PIECES = ["aaaa", "-" * 70, "a" * 300, "ab" * 90, "the " * 40, "<unk>", "x<unk>é"]
ALPHABET = pre_tokenizers.ByteLevel.alphabet()

PROSE = """Whoever reads this file learns nothing new; it only has to sound like something that people write.
The first tokenizer split on spaces, the second one on letters, and the third asked a neural network what it preferred.
In 1998, Dr. O'Neil's laboratory couldn't explain why 3,141 of the 5,000 measurements were wrong (see p. 42).
Don't worry: we'll be there by 7:45 p.m., they've said, unless it's raining cats and dogs!
Sur le pont, les voyageurs attendaient; « rien ne presse », disait-elle, et c'était vrai.
Die Übertragung dauerte länger als geplant, weil größere Dateien über schmale Leitungen müssen.
Los números no mienten, pero ¿quién los escribió? Nadie quería decirlo.
Быстрая бурая лисица прыгает через ленивую собаку, а собака спит.
機械は言葉を数える。数えた言葉は、また別の言葉になる。我们今天讨论分词的问题。
A list: (a) apples, (b) pears & plums, (c) e-mail to someone@example.com, (d) https://example.org/path?x=1#top.
Repeat repeat repeating repeated repetition; unhappy unhappiness happily happier; tokenization tokenizers tokens.
""".split("\n")

# What SentencePiece's NFKC table does for a few characters: small enough to keep, with all kinds of entries.
RULES = ([(chr(c), chr(c - 0xFEE0)) for c in range(0xFF01, 0xFF5F)] +
         [("\u00a0", " "), ("\u3000", " "), ("\u2003", " "), ("\t", " "), ("\n", " "), ("\r", " "), ("\u200b", " "),
          ("\u2028", " "), ("\u00ad", ""), ("\u0007", ""), ("\ufeff", ""), ("\u200d", ""), ("™", "TM"), ("ﬁ", "fi"),
          ("ﬃ", "ffi"), ("½", "1⁄2"), ("①", "1"), ("㎏", "kg"), ("\u212b", "\u00c5"), ("ﷺ", "صلى الله عليه وسلم"),
          ("e\u0301", "\u00e9"), ("a\u0301", "\u00e1"), ("o\u0308", "\u00f6"), ("a\u0323\u0302", "\u1ead"),
          ("か\u3099", "\u304c"), ("\uff8a\uff9f", "\u30d1"), ("\uff8a", "\u30cf"), ("\uff9d", "\u30f3"),
          ("\uff76", "\u30ab"), ("\u1100\u1161\u11a8", "\uac01"), ("\uf900", "\u8c48"),
          ("…", "..."),
          ("𝔘", "U"), ("\r\n", " ")])


def corpus():
    return [line for line in PROSE * 3 + lines.SENTENCES + source_code.code_lines() * 2 if line.strip()]


def special(content, **flags):
    return dict(content=content, **dict(dict(single_word=False, lstrip=False, rstrip=False, normalized=False,
                                             special=True), **flags))


def document(model, added=(), normalizer=None, pre_tokenizer=None, post_processor=None, decoder=None):
    """The file of a tokenizer; added tokens get the ids that the package gives them."""
    vocab = model["vocab"]
    ids = {token: i for i, (token, _) in enumerate(vocab)} if isinstance(vocab, list) else dict(vocab)
    tokens = []
    for token in added:
        ids.setdefault(token["content"], len(ids))
        tokens.append(dict(id=ids[token["content"]], **token))
    return dict(version="1.0", truncation=None, padding=None, added_tokens=tokens, normalizer=normalizer,
                pre_tokenizer=pre_tokenizer, post_processor=post_processor, decoder=decoder, model=model), ids


def trained(model, trainer, normalizer=None, pre_tokenizer=None):
    """The model part of a tokenizer trained on the corpus."""
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.train_from_iterator(corpus(), trainer)
    return json.loads(tokenizer.to_str())["model"]


def template(single, pair, ids):
    """single and pair as in "<s> A </s>", with ":1" after what has type id 1."""
    def items(text):
        for word in text.split():
            name, _, type_id = word.partition(":")
            part = dict(id=name, type_id=int(type_id or 0))
            yield {"Sequence": part} if name in "AB" else {"SpecialToken": part}

    names = sorted({w.partition(":")[0] for w in (single + " " + pair).split()} - {"A", "B"})
    return dict(type="TemplateProcessing", single=list(items(single)), pair=list(items(pair)),
                special_tokens={n: dict(id=n, ids=[ids[n]], tokens=[n]) for n in names})


# WordPiece


def wordpiece(specials, unk, lowercase, **settings):
    normalizer = dict(type="BertNormalizer", clean_text=True, handle_chinese_chars=True, strip_accents=None,
                      lowercase=lowercase)
    model = trained(models.WordPiece(unk_token=unk),
                    trainers.WordPieceTrainer(vocab_size=1600, special_tokens=specials, show_progress=False,
                                              limit_alphabet=400),
                    normalizers.BertNormalizer(lowercase=lowercase), pre_tokenizers.BertPreTokenizer())
    model["max_input_chars_per_word"] = 100
    return document(model, normalizer=normalizer, pre_tokenizer=dict(type="BertPreTokenizer"),
                    decoder=dict(type="WordPiece", prefix="##", cleanup=True), **settings)


def bert():
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    doc, ids = wordpiece(names, "[UNK]", True, added=[special(n) for n in names])
    doc["post_processor"] = template("[CLS] A [SEP]", "[CLS] A [SEP] B:1 [SEP]:1", ids)
    return doc


def mpnet():
    names = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]"]
    added = [special(n) for n in names[:4]] + [special("[UNK]"), special("<mask>", lstrip=True)]
    doc, ids = wordpiece(names, "[UNK]", True, added=added)
    doc["post_processor"] = dict(type="RobertaProcessing", sep=["</s>", ids["</s>"]], cls=["<s>", ids["<s>"]],
                                 trim_offsets=True, add_prefix_space=False)
    return doc


# Byte-level BPE


def byte_level_model(specials, size=1500, **model_settings):
    model = trained(models.BPE(**model_settings),
                    trainers.BpeTrainer(vocab_size=size, special_tokens=specials, initial_alphabet=ALPHABET,
                                        show_progress=False), None, pre_tokenizers.ByteLevel(add_prefix_space=False))
    return model


def byte_level(add_prefix_space, trim_offsets=True):
    return dict(type="ByteLevel", add_prefix_space=add_prefix_space, trim_offsets=trim_offsets, use_regex=True)


def roberta():
    names = ["<s>", "<pad>", "</s>", "<unk>"]
    model = byte_level_model(names)
    model.update(continuing_subword_prefix="", end_of_word_suffix="",
                 merges=[" ".join(merge) for merge in model["merges"]])
    added = [special(n, normalized=True) for n in names] + [special("<mask>", lstrip=True)]
    doc, ids = document(model, added, None, byte_level(False), None, byte_level(True))
    doc["post_processor"] = dict(type="RobertaProcessing", sep=["</s>", ids["</s>"]], cls=["<s>", ids["<s>"]],
                                 trim_offsets=True, add_prefix_space=False)
    return doc


def codet5p():
    names = ["<pad>", "<s>", "</s>", "<unk>", "<mask>"]
    model = byte_level_model(names, unk_token="<unk>")
    added = [special(n, normalized=True) for n in names[:4]] + [special("<mask>", lstrip=True, normalized=True)]
    added += [special(f"<extra_id_{i}>", lstrip=True) for i in range(9, -1, -1)]
    doc, ids = document(model, added, None, byte_level(False), None, byte_level(True))
    doc["post_processor"] = dict(type="RobertaProcessing", sep=["</s>", ids["</s>"]], cls=["<s>", ids["<s>"]],
                                 trim_offsets=True, add_prefix_space=False)
    return doc


def modernbert():
    model = byte_level_model(["|||IP_ADDRESS|||", "<|padding|>"], size=1400)
    added = [special("|||IP_ADDRESS|||", special=False, normalized=True), special("<|padding|>"),
             special("<|endoftext|>")]
    added += [special(" " * n, special=False, normalized=True) for n in range(24, 1, -1)]
    added += [special(n) for n in ("[UNK]", "[CLS]", "[SEP]", "[PAD]")] + [special("[MASK]", lstrip=True)]
    added += [special(f"[unused{i}]", special=False, normalized=True) for i in range(3)]
    doc, ids = document(model, added, dict(type="NFC"), byte_level(False), None, byte_level(False))
    doc["post_processor"] = template("[CLS] A [SEP]", "[CLS] A [SEP] B [SEP]", ids)
    return doc


def split_bpe():
    """GPT-4 style: Split by an expression, whole pieces before merges."""
    expression = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
                  r"|\s+(?!\S)|\s+")
    steps = [dict(type="Split", pattern={"Regex": expression}, behavior="Isolated", invert=False),
             dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=False)]
    splitter = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(expression), "isolated"),
                                        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    model = trained(models.BPE(ignore_merges=True),
                    trainers.BpeTrainer(vocab_size=1500, initial_alphabet=ALPHABET, show_progress=False), None, splitter)
    # Whole words that no merge makes.
    for word in ("Ġtokenizers", "Windows", "Ġx"):
        model["vocab"].setdefault(word, len(model["vocab"]))
    doc, _ = document(model, [special("<|begin|>"), special("<|end|>")], None,
                      dict(type="Sequence", pretokenizers=steps), None, byte_level(True))
    return doc


# Other BPE


def byte_fallback_bpe():
    """Like Llama's: blanks written as U+2581, bytes for what the vocabulary lacks."""
    names = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    model = trained(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True),
                    trainers.BpeTrainer(vocab_size=1500, special_tokens=names, limit_alphabet=150, show_progress=False),
                    normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]))
    model["merges"] = [" ".join(merge) for merge in model["merges"]]
    normalizer = dict(type="Sequence", normalizers=[dict(type="Prepend", prepend="▁"),
                                                    dict(type="Replace", pattern={"String": " "}, content="▁")])
    decoder = dict(type="Sequence", decoders=[dict(type="Replace", pattern={"String": "▁"}, content=" "),
                                              dict(type="ByteFallback"), dict(type="Fuse"),
                                              dict(type="Strip", content=" ", start=1, stop=0)])
    doc, ids = document(model, [special(n) for n in names[:3]], normalizer, None, None, decoder)
    doc["post_processor"] = template("<s> A", "<s> A <s>:1 B:1", ids)
    return doc


def suffix_bpe():
    """Like CLIP's and GPT-1's: "</w>" ends a word; unknown characters are fused."""
    model = trained(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>", fuse_unk=True),
                    trainers.BpeTrainer(vocab_size=1300, special_tokens=["<unk>"], limit_alphabet=120,
                                        end_of_word_suffix="</w>", show_progress=False),
                    normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer())
    normalizer = dict(type="BertNormalizer", clean_text=True, handle_chinese_chars=True, strip_accents=None,
                      lowercase=True)
    doc, _ = document(model, [special("<unk>")], normalizer, dict(type="BertPreTokenizer"), None,
                      dict(type="BPEDecoder", suffix="</w>"))
    return doc


def prefix_bpe():
    """A prefix before all characters but a word's first; unknown ones are dropped."""
    model = trained(models.BPE(continuing_subword_prefix="##"),
                    trainers.BpeTrainer(vocab_size=1300, limit_alphabet=100, continuing_subword_prefix="##",
                                        show_progress=False), None, pre_tokenizers.Whitespace())
    doc, _ = document(model, [], None, dict(type="Whitespace"), None, dict(type="WordPiece", prefix="##", cleanup=False))
    return doc


def word_level():
    model = trained(models.WordLevel(unk_token="[UNK]"),
                    trainers.WordLevelTrainer(vocab_size=800, special_tokens=["[UNK]"], show_progress=False), None,
                    pre_tokenizers.Whitespace())
    doc, _ = document(model, [special("[UNK]")], dict(type="Lowercase"), dict(type="Whitespace"))
    return doc


# Unigram


def charsmap():
    """A SentencePiece normalizer table of RULES."""
    return normalizer_of(train_sentencepiece("unigram", 700, hard_vocab_limit=False)).precompiled_charsmap


def train_sentencepiece(kind, size, **settings):
    """A serialised SentencePiece model."""
    tsv = TESTS / "rules.tsv"
    tsv.write_text("".join("\t".join(" ".join(f"{ord(c):X}" for c in side) for side in rule) + "\n"
                           for rule in dict(RULES).items()), encoding="utf-8")
    out = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus()), model_writer=out, model_type=kind, vocab_size=size, minloglevel=2,
            normalization_rule_tsv=str(tsv), character_coverage=0.98, num_threads=1, **settings)
    finally:
        tsv.unlink()
    return out.getvalue()


def normalizer_of(serialised):
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(serialised)
    return proto.normalizer_spec


def scored_pieces(**settings):
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(train_sentencepiece("unigram", 1500, hard_vocab_limit=False, **settings))
    return [[piece.piece, piece.score] for piece in proto.pieces]


def precompiled():
    return dict(type="Precompiled", precompiled_charsmap=base64.b64encode(charsmap()).decode())


def metaspace(scheme="always", split=True):
    return dict(type="Metaspace", replacement="▁", prepend_scheme=scheme, split=split)


def xlm_roberta():
    vocab = [[n, 0.0] for n in ("<s>", "<pad>", "</s>", "<unk>")] + scored_pieces()[3:] + [["<mask>", 0.0]]
    model = dict(type="Unigram", unk_id=3, vocab=vocab, byte_fallback=False)
    added = [special(n) for n in ("<s>", "<pad>", "</s>", "<unk>")] + [special("<mask>", lstrip=True)]
    steps = dict(type="Sequence", pretokenizers=[dict(type="WhitespaceSplit"), metaspace()])
    doc, ids = document(model, added, precompiled(), steps, None, metaspace())
    doc["post_processor"] = template("<s> A </s>", "<s> A </s> </s> B </s>", ids)
    return doc


def deberta_v3():
    vocab = scored_pieces(pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]",
                          eos_piece="[SEP]", unk_piece="[UNK]")
    model = dict(type="Unigram", unk_id=3, vocab=vocab, byte_fallback=False)
    added = [special(n) for n in ("[PAD]", "[CLS]", "[SEP]")] + [special("[UNK]", normalized=True), special("[MASK]")]
    steps = [dict(type="Strip", strip_left=True, strip_right=True), precompiled(),
             dict(type="Replace", pattern={"Regex": " {2,}"}, content=" ")]
    doc, ids = document(model, added, dict(type="Sequence", normalizers=steps), metaspace(), None, metaspace())
    doc["post_processor"] = template("[CLS] A [SEP]", "[CLS] A [SEP] B:1 [SEP]:1", ids)
    return doc


def t5():
    vocab = scored_pieces(pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    vocab += [[f"<extra_id_{i}>", 0.0] for i in range(9, -1, -1)]
    model = dict(type="Unigram", unk_id=2, vocab=vocab, byte_fallback=False)
    added = [special(n) for n in ("<pad>", "</s>", "<unk>")] + [special(f"<extra_id_{i}>") for i in range(9, -1, -1)]
    steps = dict(type="Sequence", normalizers=[
        precompiled(), dict(type="Strip", strip_left=False, strip_right=True),
        dict(type="Replace", pattern={"Regex": " {2,}"}, content="▁")])
    doc, ids = document(model, added, steps, dict(type="Sequence", pretokenizers=[
        dict(type="WhitespaceSplit"), metaspace()]), None, metaspace())
    doc["post_processor"] = template("A </s>", "A </s> B </s>", ids)
    return doc


def byte_fallback_unigram():
    """Bytes for what the vocabulary lacks, blanks before the first piece only, no splitting at blanks."""
    vocab = scored_pieces(byte_fallback=True)
    model = dict(type="Unigram", unk_id=0, vocab=vocab, byte_fallback=True)
    decoder = dict(type="Sequence", decoders=[dict(type="ByteFallback"), metaspace("first", False)])
    doc, _ = document(model, [special(n) for n in ("<unk>", "<s>", "</s>")], None, metaspace("first", False), None,
                      decoder)
    return doc


KINDS = dict(bert=bert, mpnet=mpnet, roberta=roberta, codet5p=codet5p, modernbert=modernbert, split_bpe=split_bpe,
             byte_fallback_bpe=byte_fallback_bpe, suffix_bpe=suffix_bpe, prefix_bpe=prefix_bpe, word_level=word_level,
             xlm_roberta=xlm_roberta, deberta_v3=deberta_v3, t5=t5, byte_fallback_unigram=byte_fallback_unigram)


def is_byte_level(doc):
    return "ByteLevel" in json.dumps(doc["pre_tokenizer"])


def piece_texts(tokenizer, count, seed):
    """Pieces that the pre-tokenizer makes of hard texts, and strings that it would never let through."""
    rng = random.Random(seed)
    texts = lines.sentence_forms() + source_code.code_texts() + lines.random_strings(count, seed)
    rng.shuffle(texts)
    pieces = lines.random_strings(count // 4, seed + 1)
    for text in texts:
        if tokenizer.normalizer:
            text = tokenizer.normalizer.normalize_str(text)
        if tokenizer.pre_tokenizer:
            found = [piece for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)]
        else:
            found = [text]
        pieces += rng.sample(found, min(len(found), 6))
        if len(pieces) > 4 * count:
            break
    pieces = [piece for piece in dict.fromkeys(pieces) if piece and len(piece) <= 120]
    return LONG_PIECES + rng.sample(pieces, min(count, len(pieces)))


def golden_pieces(doc, count=PIECES, seed=SEED):
    """Lines of pieces.jsonl; byte-level pieces are text in the characters of the alphabet."""
    tokenizer = Tokenizer.from_str(json.dumps(doc))
    texts = piece_texts(tokenizer, count, seed)
    if is_byte_level(doc):
        texts = [t if set(t) <= set(ALPHABET) else pre_tokenizers.ByteLevel(False, use_regex=False).pre_tokenize_str(t)[0][0]
                 for t in texts]
        rng = random.Random(seed)
        texts += ["".join(rng.choice(sorted(ALPHABET)) for _ in range(rng.randint(1, 90))) for _ in range(count // 8)]
    for text in texts:
        yield dict(piece=text, tokens=[[t.id, *t.offsets] for t in tokenizer.model.tokenize(text)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", default=list(KINDS), metavar="KIND")
    parser.add_argument("--out", type=pathlib.Path, default=TESTS / "data")
    parser.add_argument("--pieces", type=int, default=PIECES)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    for kind in arguments.kinds:
        doc = KINDS[kind]()
        folder = arguments.out / kind
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(doc, ensure_ascii=False, separators=(",", ":"))
        (folder / "tokenizer.json").write_text(text + "\n", encoding="utf-8")
        with open(folder / "pieces.jsonl", "w", encoding="utf-8") as file:
            for line in golden_pieces(doc, arguments.pieces, arguments.seed):
                file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        print(kind, len(text), "bytes,", len(doc["model"]["vocab"]), "tokens")


if __name__ == "__main__":
    main()
