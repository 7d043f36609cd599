"""Makes the directories of tests/tokenizer/legacy: model files from before tokenizer.json, and expected.json, the document
that transformers' AutoTokenizer makes of them.

usage: make_legacy_tokenizers.py [NAME …]   # after make_reference_tokenizers.py, whose vocabularies it takes

Needs the packages of bench/requirements.txt.
"""

import json
import shutil
import sys

import make_reference_tokenizers as kinds
from transformers import AutoTokenizer

FOLDER = kinds.TESTS / "legacy"
SIZE = 520


def vocabulary(kind):
    document = json.loads((kinds.TESTS / "data" / kind / "tokenizer.json").read_text(encoding="utf-8"))
    return document["model"]


def lines_of(vocab, limit):
    return "\n".join(sorted(vocab, key=vocab.get)[:limit]) + "\n"


def sentencepiece_model(**settings):
    return kinds.train_sentencepiece("unigram", SIZE, hard_vocab_limit=False, **settings)


def cases():
    """(name, model_type, files, tokenizer_config.json)"""
    bert = {"vocab.txt": lines_of(vocabulary("bert")["vocab"], 400)}
    yield "bert", "bert", bert, None
    yield "distilbert_cased", "distilbert", bert, {"do_lower_case": False, "strip_accents": True,
                                                   "tokenize_chinese_chars": False, "mask_token": "[OTHER]"}
    yield "mpnet", "mpnet", {"vocab.txt": lines_of(vocabulary("mpnet")["vocab"], 300)}, None
    roberta = vocabulary("roberta")
    files = {"vocab.json": json.dumps(roberta["vocab"]), "merges.txt": "#version: 0.2\n" + "\n".join(roberta["merges"]) + "\n"}
    yield "roberta", "roberta", files, None
    yield "codet5", "t5", files, {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": True,
                                  "trim_offsets": False, "bos_token": {"__type": "AddedToken", "content": "<s>"}}
    yield "t5", "t5", {"spiece.model": sentencepiece_model(pad_id=0, eos_id=1, unk_id=2, bos_id=-1)}, {"extra_ids": 12}
    fairseq = sentencepiece_model()
    yield "xlm_roberta", "xlm-roberta", {"sentencepiece.bpe.model": fairseq}, None
    yield "camembert", "camembert", {"sentencepiece.bpe.model": fairseq}, None
    deberta = sentencepiece_model(pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]",
                                  eos_piece="[SEP]", unk_piece="[UNK]")
    yield "deberta_v2", "deberta-v2", {"spm.model": deberta}, None
    yield "deberta_v2_lower", "deberta-v2", {"spm.model": deberta}, {"do_lower_case": True, "split_by_punct": True}


def token_cases():
    """Tokens named by files beside the vocabulary."""
    bert = {"vocab.txt": lines_of(vocabulary("bert")["vocab"], 400)}
    flags = {"lstrip": True, "rstrip": False, "normalized": False, "single_word": False}
    special = {"cls_token": "[OTHER]", "mask_token": {"content": "[MASK]", **flags},
               "additional_special_tokens": ["<a>", "<b>"]}
    yield "bert_special_map", "bert", {**bert, "special_tokens_map.json": json.dumps(special)}, {"sep_token": "[S]"}
    added = json.dumps({"new word": 401, "[MASK]": 400, "<ent>": 402})
    yield "bert_added", "bert", {**bert, "added_tokens.json": added}, {"unk_token": "[UNK]", "mask_token": "[MASK]"}
    decoder = {"401": {"content": "\u00d6l", **flags, "normalized": True, "special": False},
               "400": {"content": "<x>", **flags, "lstrip": False, "rstrip": True, "special": True},
               "4": {"content": "[MASK]", **flags, "special": True}}
    yield "bert_added_decoder", "bert", {**bert, "added_tokens.json": added, "special_tokens_map.json": json.dumps(special)}, {
        "added_tokens_decoder": decoder, "mask_token": "[MASK]", "cls_token": "<x>"}
    roberta = vocabulary("roberta")
    files = {"vocab.json": json.dumps(roberta["vocab"]), "merges.txt": "\n".join(roberta["merges"]) + "\n"}
    mask = {"mask_token": {"content": "<mask>", **flags}}
    yield "roberta_special_map", "roberta", {**files, "special_tokens_map.json": json.dumps(mask)}, None
    symbols = sentencepiece_model(pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]",
                                  eos_piece="[SEP]", unk_piece="[UNK]", user_defined_symbols=["<sym>", "rabbit"])
    yield "deberta_v2_symbols", "deberta-v2", {
        "spm.model": symbols, "added_tokens.json": json.dumps({"[MASK]": 520})}, {"mask_token": "[MASK]"}
    llama = kinds.train_sentencepiece("bpe", SIZE + 700, byte_fallback=True, user_defined_symbols=["<sym>"])
    yield "llama", "llama", {"tokenizer.model": llama}, {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True}
    yield "llama_eos", "llama", {"tokenizer.model": llama}, {
        "tokenizer_class": "LlamaTokenizer", "add_eos_token": True, "add_prefix_space": False}


def extra_token_cases():
    """Special tokens without a role, or with one of their model's own, which two files may name."""
    flags = {"lstrip": True, "rstrip": False, "normalized": False, "single_word": False}
    fairseq = {"sentencepiece.bpe.model": sentencepiece_model()}
    both = {"special_tokens_map.json": json.dumps({"additional_special_tokens": ["<map>"], "sep_token": "</s>"})}
    yield "xlm_roberta_extra", "xlm-roberta", {**fairseq, **both, "added_tokens.json": json.dumps({"word": 522, "<a>": 523})}, {
        "additional_special_tokens": ["<a>", {"__type": "AddedToken", "content": "<b>", **flags}], "image_token": "<image>",
        "extra_special_tokens": {}}
    decoder = {"526": {"content": "<b>", **flags, "special": False}, "1": {"content": "<pad>", **flags, "special": True}}
    yield "camembert_extra", "camembert", fairseq, {
        "additional_special_tokens": ["<s>NOTUSED", "</s>NOTUSED", "<a>", "<b>"], "added_tokens_decoder": decoder}
    deberta = {"spm.model": sentencepiece_model(
        pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]",
        user_defined_symbols=["<sym>", "rabbit"])}
    yield "deberta_v2_map", "deberta-v2", {**deberta, **both}, None
    listed = {"special_tokens_map.json": json.dumps({"extra_special_tokens": ["<a>", "<b>"], "mask_token": "<mask>"})}
    yield "deberta_v2_extra", "deberta-v2", {**deberta, **listed}, {"additional_special_tokens": ["<b>"]}
    yield "t5_extra", "t5", {"spiece.model": sentencepiece_model(pad_id=0, eos_id=1, unk_id=2, bos_id=-1)}, {
        "extra_ids": 3, "additional_special_tokens": ["<a>", "<extra_id_1>"], "mask_token": "<mask>"}
    bert = {"vocab.txt": lines_of(vocabulary("bert")["vocab"], 400)}
    yield "bert_extra", "bert", {**bert, **both, "added_tokens.json": json.dumps({"<map>": 400})}, {"bos_token": "[B]"}
    yield "bert_extra_both", "bert", {**bert, **both}, {"additional_special_tokens": ["<a>"]}


def make_bpe():
    """A BPE model in the files of a class for Unigram ones: here sentencepiece itself is the reference."""
    folder = FOLDER.parent / "legacy_bpe"
    folder.mkdir(exist_ok=True)
    model = kinds.train_sentencepiece("bpe", 900, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    (folder / "spiece.model").write_bytes(model)
    (folder / "config.json").write_text(json.dumps({"model_type": "t5"}) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"extra_ids": 0}) + "\n")
    processor = kinds.sentencepiece.SentencePieceProcessor(model_proto=model)
    with open(folder / "ids.jsonl", "w", encoding="utf-8") as out:
        for text in filter(str.isprintable, kinds.corpus()[:150]):
            out.write(json.dumps({"text": text, "ids": processor.encode(text)}, ensure_ascii=False) + "\n")


def main():
    if not sys.argv[1:] or "bpe" in sys.argv[1:]:
        make_bpe()
    for name, model_type, files, config in [*cases(), *token_cases(), *extra_token_cases()]:
        folder = FOLDER / name
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file, content in files.items():
            (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
        (folder / "config.json").write_text(json.dumps({"model_type": model_type}) + "\n")
        if config is not None:
            (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")
        document = json.loads(AutoTokenizer.from_pretrained(folder).backend_tokenizer.to_str())
        if "merges.txt" in files:
            document["model"]["merges"] = [" ".join(merge) for merge in document["model"]["merges"]]
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        (folder / "expected.json").write_text(text + "\n", encoding="utf-8")
        print(name, len(text))


if __name__ == "__main__":
    main()
