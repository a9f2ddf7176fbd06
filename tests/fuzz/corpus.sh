#!/usr/bin/env bash
# Makes tests/fuzz/corpus again: corpus.sh BUILD [FOUND], BUILD a build folder of the fuzz preset, FOUND a folder with gguf/
# and model/ from longer runs. Keeps the fewest files that reach the same code.
set -euo pipefail
build=$(realpath "$1")/tests/fuzz
found=${2:+$(realpath "$2")}
cd "$(dirname "$0")"
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT

"$build/gguf_seeds" "$seeds/gguf"
python3 model_seeds.py "$seeds/model"
declare -A limit=([gguf]=512 [model]=1400)
for target in gguf model; do
  mkdir -p "corpus/$target" "$seeds/kept"
  "$build/${target}_fuzz" -merge=1 -max_len="${limit[$target]}" "$seeds/kept" "corpus/$target" "$seeds/$target" \
    ${found:+"$found/$target"} 2>/dev/null
  [[ $target == model ]] && cp "$seeds"/model/* "$seeds/kept"  # whole vocabularies, which are longer
  rm -rf "corpus/$target"
  mv "$seeds/kept" "corpus/$target"
  echo "$target: $(ls "corpus/$target" | wc -l) files, $(du -sb "corpus/$target" | cut -f1) bytes"
done
