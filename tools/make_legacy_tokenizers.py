"""Makes the directories of tests/tokenizer/legacy: model files from before tokenizer.json, and expected.json, the document
that transformers' AutoTokenizer makes of them.

usage: make_legacy_tokenizers.py   # after make_reference_tokenizers.py, whose vocabularies it takes

Needs the packages of bench/requirements.txt.
"""

import json
import shutil

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


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, model_type, files, config in cases():
        folder = FOLDER / name
        folder.mkdir(parents=True)
        for file, content in files.items():
            (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
        (folder / "config.json").write_text(json.dumps({"model_type": model_type}) + "\n")
        if config is not None:
            (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")
        document = json.loads(AutoTokenizer.from_pretrained(folder).backend_tokenizer.to_str())
        if "merges" in document["model"]:
            document["model"]["merges"] = [" ".join(merge) for merge in document["model"]["merges"]]
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        (folder / "expected.json").write_text(text + "\n", encoding="utf-8")
        print(name, len(text))


if __name__ == "__main__":
    main()
