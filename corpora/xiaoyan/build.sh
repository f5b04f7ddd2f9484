#!/bin/sh
# The bundle that ships, from the repository alone: `make bundle` runs this on two cores.
# What was killed goes on where it was, as long as the training examples are the same.
set -eu
corpus=corpora/xiaoyan
work=build/bundle
bundle=exports/xiaoyan
mkdir -p "$work"

step() {
    printf '\n$ %s\n' "$*"
    "$@"
}

step python -m corpora.check
step python -m corpora.examples "$work/new"
if ! cmp -s "$work/new/train.jsonl" "$work/train.jsonl"; then
    rm -rf "$work/run" "$work/corpus.db"
    mv "$work/new/train.jsonl" "$work/new/valid.jsonl" "$work"
fi

for split in train valid; do
    step corpus import "$work/$split.jsonl" --split "$split" --store "$work/corpus.db" \
        --profile "$corpus/profile.toml" --license CC0-1.0
done
step corpus clean --store "$work/corpus.db" --profile "$corpus/profile.toml"
step corpus stats --store "$work/corpus.db"

# Two processes of one thread are faster than one process of two: the network is small.
export OMP_NUM_THREADS=1
train="torchrun --nproc-per-node ${PROCESSES:-2} --no-python chatbot train --out $work/run"
if [ -e "$work/run/done" ]; then
    echo "$work/run is trained."
elif [ -e "$work/run/last.safetensors" ]; then
    step $train --resume
else
    rm -rf "$work/run"
    step $train "$work/corpus.db" --recipe "$corpus/recipe.toml"
fi
touch "$work/run/done"

step chatbot evaluate "$work/run" "$work/corpus.db" --split valid --beam 4 --no-repeat-ngram 3 \
    --max-length 40 \
    | tee "$work/evaluation.txt"
step chatbot export "$work/run" "$bundle" --beam 4 --no-repeat-ngram 3 \
    --fallback "$corpus/not-understood.txt" --license CC0-1.0 | tee "$work/export.txt"
step chatbot inspect "$bundle" --verify
step python -m benchmarks replies --bundle "$bundle" | tee "$work/replies.md"
step python -m corpora.card "$work" "$bundle"
step chatbot reply --bundle "$bundle" 你好 你叫什么名字 我今天有点难过 讲个笑话 谢谢你 再见
