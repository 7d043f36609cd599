"""The tokenizers that are timed, and the texts: MiniLM's WordPiece, and two with 32 000 tokens that are trained here once,
out of this project's texts and the source code of Python's standard library. Those of tests/tokenizer/data, whose shape
they have, are too small to stand for real ones: nearly every word of a text is in a real vocabulary, or two pieces of it.
"""

import base64
import io
import json
import pathlib
import random
import shutil
import sys
import sysconfig

import cases

SHAPES = cases.ROOT / "tests" / "tokenizer" / "data"
PROJECT_TEXTS = ("*.md", "docs/*.md", "src/**/*.cc", "src/**/*.h", "bench/*.py", "tests/**/*.py", "tools/*.py")
TOKENS = 32000
UNIGRAM_LINES = 150_000  # more takes minutes and changes little
LONG_TEXT = 25  # short texts in a long one
RANDOM_LINES, SEED = 1600, 20251126


def folder(kind, minilm, out):
    """A model folder with the tokenizer of that kind, without truncation and padding, made once below out."""
    made = out / "tokenizers" / kind
    if not (made / "tokenizer.json").exists():
        print(f"making the {kind} tokenizer …", file=sys.stderr)
        document = KINDS[kind](minilm)
        document["truncation"] = document["padding"] = None
        made.mkdir(parents=True, exist_ok=True)
        (made / "config.json").write_text(json.dumps({"model_type": "bert", "max_position_embeddings": 1 << 24}))
        part = made / "tokenizer.json.part"
        part.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        shutil.move(part, made / "tokenizer.json")
    return made


def wordpiece(minilm):
    return json.loads((minilm / "tokenizer.json").read_text(encoding="utf-8"))


def unigram(_):
    """DeBERTa-v3's shape, with SentencePiece's whole table of normalisations."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2
    lines = sorted({line.strip() for text in training_texts() for line in text.splitlines() if line.strip()})
    random.Random(SEED).shuffle(lines)
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines[:UNIGRAM_LINES]), model_writer=out, model_type="unigram", vocab_size=TOKENS,
        normalization_rule_name="nmt_nfkc", num_threads=1, minloglevel=2, pad_id=0, bos_id=1, eos_id=2, unk_id=3,
        pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]")
    trained = sentencepiece_model_pb2.ModelProto.FromString(out.getvalue())
    table = base64.b64encode(trained.normalizer_spec.precompiled_charsmap).decode()
    document = shaped("deberta_v3", [[piece.piece, piece.score] for piece in trained.pieces])
    for step in document["normalizer"]["normalizers"]:
        if step["type"] == "Precompiled":
            step["precompiled_charsmap"] = table
    return document


def byte_level_bpe(_):
    """CodeT5+'s shape."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=TOKENS, special_tokens=["<pad>", "<s>", "</s>", "<unk>", "<mask>"],
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    tokenizer.train_from_iterator(training_texts(), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    document = shaped("codet5p", model["vocab"])
    document["model"]["merges"] = model["merges"]
    return document


KINDS = {"WordPiece": wordpiece, "Unigram": unigram, "BPE": byte_level_bpe}


def shaped(kind, vocabulary):
    """The small tokenizer of that kind with another vocabulary: (piece, score) pairs, or ids by token. Added tokens that are
    not in it get the ids after its last, as they do in real files."""
    document = json.loads((SHAPES / kind / "tokenizer.json").read_text(encoding="utf-8"))
    if isinstance(vocabulary, list):
        ids = {piece: i for i, (piece, _) in enumerate(vocabulary)}
    else:
        ids = dict(vocabulary)
    for token in document["added_tokens"]:
        token["id"] = ids.setdefault(token["content"], len(ids))
    document["model"]["vocab"] = vocabulary
    return document


def training_texts():
    library = pathlib.Path(sysconfig.get_path("stdlib"))
    files = [path for path in sorted(library.rglob("*.py")) if not {"site-packages", "dist-packages"} & set(path.parts)]
    for pattern in PROJECT_TEXTS:
        files += sorted(cases.ROOT.glob(pattern))
    return cases.load_passages() + [path.read_text(encoding="utf-8", errors="replace") for path in files]


def long_texts(texts):
    """The same words in fewer texts."""
    return [" ".join(texts[i:i + LONG_TEXT]) for i in range(0, len(texts), LONG_TEXT)]


def odd_texts():
    """More than 2000 texts that are hard to tokenize alike: sentences in many scripts and forms, code, random characters."""
    sys.path.insert(0, str(SHAPES.parent))
    import lines
    import source_code
    texts = lines.sentence_forms() + source_code.code_lines() + lines.random_strings(RANDOM_LINES, SEED)
    return [text for text in dict.fromkeys(texts) if text.strip()]
