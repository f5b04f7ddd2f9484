#!/bin/sh
# The whole way, each step printed: a dialogue file becomes a bundle that replies.
# `make demo` runs it: minutes on two cores. `make bundle` is the same way to the bundle that ships.
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
step chatbot export "$work/run" "$work/mini" --license CC0-1.0
step chatbot inspect "$work/mini" --verify
step chatbot reply --bundle "$work/mini" 你好 你叫什么名字 我今天有点难过 讲个笑话 谢谢你 再见
