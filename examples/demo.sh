#!/bin/sh
# The whole way, each step printed: a dialogue file becomes a bundle that replies.
# `make demo` runs it. It rebuilds the bundle that ships, exports/mini, on two cores in minutes.
set -eu
work=build/demo
rm -rf "$work" && mkdir -p "$work"

step() {
    printf '\n$ %s\n' "$*"
    "$@"
}

step corpus import corpora/mini.tsv --store "$work/corpus.db" --license CC0-1.0
step corpus stats --store "$work/corpus.db"
step chatbot train "$work/corpus.db" --out "$work/run" --recipe examples/mini.toml
step chatbot export "$work/run" exports/mini --license CC0-1.0
step chatbot inspect exports/mini --verify
step chatbot reply 你好 你叫什么名字 我今天有点难过 讲个笑话 谢谢你 再见
