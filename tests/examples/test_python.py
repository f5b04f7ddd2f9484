"""examples/python: text in, reply out with onnxruntime and numpy alone."""

import subprocess
import sys
from pathlib import Path

from chatbot import ChatBot, Greedy

GREEDY = {
    "kind": "greedy",
    "max_length": 30,
    "min_length": 1,
    "no_repeat_ngram": 0,
    "repetition_penalty": 1.0,
}


def run(examples: Path, *arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
    # -I: nothing but the installed packages; the project itself is not needed
    command = [sys.executable, "-I", str(examples / "python" / "reply.py"), *map(str, arguments)]
    return subprocess.run(
        command, check=False, input=stdin, capture_output=True, encoding="utf-8", timeout=60
    )


def test_it_replies_as_the_bundle_promises(examples, bundle, golden):
    cases = [case for case in golden(bundle) if case["decoding"] == GREEDY]
    texts = [case["text"] for case in cases if "\0" not in case["text"]]  # no argument has one
    assert len(texts) > 5
    bot = ChatBot.load(bundle)  # the vectors are of the graph; where it is unsure, neither shows it
    replies = [bot.reply(text, Greedy()).text for text in texts]
    done = run(examples, bundle, *texts)
    assert done.stdout == "".join(reply + "\n" for reply in replies)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_answers_the_lines_of_stdin(examples, copied, golden):
    first = golden(copied)[0]
    done = run(examples, copied, stdin=f"{first['text']}\n\n")
    assert done.stdout.splitlines()[0] == first["replies"][0]["text"]
    assert len(done.stdout.splitlines()) == 2


def test_it_says_so_where_it_is_not_sure(examples, copied, honest):
    done = run(examples, copied, "😀", "你好😀")
    assert done.stdout.splitlines() == [honest("😀"), honest("你好😀")]


def test_it_says_so_in_the_words_of_the_turn(examples, copied, says_so_itself):
    assert run(examples, copied, "😀").stdout == f"{says_so_itself}\n"


def test_all_kinds_of_search_run(examples, bundle, golden):
    code = f"""
import sys; sys.path.insert(0, {str(examples / "python")!r})
from reply import BEAM, GREEDY, SAMPLE, inputs, ort
session = ort.InferenceSession(sys.argv[1])
for settings in GREEDY, BEAM, SAMPLE | {{"seed": 7, "beam_size": 3}}:
    print(len(session.run(["reply"], inputs("你好\\ud800", settings))[0]))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(bundle / "text.onnx")],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["1", "4", "3"]


def test_a_folder_without_a_graph_is_one_line(examples, tmp_path):
    done = run(examples, tmp_path, "你好")
    assert done.returncode == 1
    assert done.stderr == f"Error: {tmp_path}: no text.onnx. A bundle of format 2 has one.\n"
