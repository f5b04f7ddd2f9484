"""examples/node: the JavaScript client under Node.js."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from chatbot.decoding import Beam, Greedy, Sample, to_dict

Run = Callable[..., subprocess.CompletedProcess[str]]

KINDS = {"greedy": Greedy, "beam": Beam, "sample": Sample}


@pytest.fixture
def node(examples: Path, tmp_path: Path) -> Run:
    """Run node in examples/node with a home directory of its own."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("no node")
    if not (examples / "node" / "node_modules").is_dir():
        pytest.skip("examples/node has no node_modules: run 'npm ci' there")
    home = tmp_path / "home"
    home.mkdir()

    def run(*arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [program, *map(str, arguments)],
            check=False,
            cwd=examples / "node",
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        assert not list(home.iterdir())  # onnxruntime's telemetry is off
        return done

    return run


@pytest.fixture
def evaluate(node: Run) -> Callable[..., Any]:
    """Return what a JavaScript expression gives; `argument` is known to it by that name."""

    def evaluate(expression: str, argument: object) -> Any:
        code = f"""
            import {{ Bot }} from "./duihua.mjs";
            import {{ checked, DECODINGS }} from "../web/duihua.js";
            const argument = JSON.parse(process.argv[1]);
            console.log(JSON.stringify({expression}));
        """
        done = node("--input-type=module", "--eval", code, json.dumps(argument))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return evaluate


def test_the_client_gives_all_that_the_bundle_promises(node, bundle, golden):
    done = node("verify.mjs", bundle)
    assert done.stdout == f"{bundle}: {len(golden(bundle))} cases, 0 differences\n"
    assert (done.returncode, done.stderr) == (0, "")


def test_verify_finds_what_differs(node, copied, promise_another_score):
    done = node("verify.mjs", copied)
    assert done.returncode == 1
    assert f"{copied}: golden.jsonl, line {promise_another_score}: score of reply 1 " in done.stderr
    assert done.stdout.endswith(" cases, 1 differences\n")


def test_reply_answers_arguments_and_lines(node, copied, golden):
    first = golden(copied)[0]
    promised = first["replies"][0]["text"]
    decoding = json.dumps(first["decoding"])
    by_argument = node("reply.mjs", copied, "--decoding", decoding, first["text"])
    by_line = node("reply.mjs", copied, "--decoding", decoding, stdin=first["text"] + "\n")
    assert by_argument.stdout == by_line.stdout == promised + "\n"


def test_a_reply_tells_where_it_comes_from(evaluate, bundle):
    reply = evaluate(
        'await (await Bot.load(argument)).reply("今天天气怎么样", { kind: "beam", width: 3 })',
        str(bundle),
    )
    assert len(reply["candidates"]) == 3
    scores = [candidate["score"] for candidate in reply["candidates"]]
    assert scores == sorted(scores, reverse=True)
    assert {name: reply[name] for name in reply["candidates"][0]} == reply["candidates"][0]
    assert len(reply["source"]["ids"]) == len(reply["source"]["tokens"])
    for candidate in reply["candidates"]:
        assert "".join(candidate["tokens"]) == candidate["text"]
        assert len(candidate["tokens"]) == len(candidate["ids"]) == len(candidate["attention"])
        for weights in candidate["attention"]:
            assert len(weights) == len(reply["source"]["ids"])
            assert sum(weights) == pytest.approx(1, abs=1e-3)


def test_it_says_so_where_it_is_not_sure(evaluate, copied, honest):
    seen = evaluate(
        """await (async () => {
            const bot = await Bot.load(argument);
            const follow = bot.withContext("你好😀", ["早上好", "早"]);
            const sample = { kind: "sample", seed: 7 };
            const asked = [["😀"], [follow], ["你好😀", { kind: "beam" }], ["你好😀", sample]];
            return await Promise.all(asked.map((one) => bot.reply(...one)));
        })()""",
        str(copied),
    )
    *searched, sampled = seen
    assert [reply["text"] for reply in searched] == [honest("😀"), *2 * [honest("你好😀")]]
    for reply in searched:
        assert "".join(reply["tokens"]) == reply["text"] != reply["candidates"][0]["text"]
    assert sampled["text"] == sampled["candidates"][0]["text"]


def test_it_says_so_in_the_words_of_the_turn(evaluate, copied, says_so_itself):
    seen = evaluate("await Bot.load(argument).then((bot) => bot.reply('😀'))", str(copied))
    assert seen["text"] == says_so_itself != seen["candidates"][0]["text"]


def test_no_text_does_harm(evaluate, bundle):
    sources = evaluate(
        """await (async () => {
            const bot = await Bot.load(argument);
            const texts = ["\\ud800你好\\udc00", "\\ufffd你好\\ufffd", "你\\0好", "你好"];
            texts.push("", "你好".repeat(50_000));
            const replies = texts.map((text) => bot.reply(text));
            return (await Promise.all(replies)).map((reply) => reply.source.ids);
        })()""",
        str(bundle),
    )
    half, replaced, with_nul, without, empty, long = sources
    assert half == replaced
    assert with_nul == without
    assert empty == [2]
    assert len(long) == json.loads((bundle / "manifest.json").read_text("utf-8"))["max_source"]


def test_the_settings_are_those_of_the_python_package(evaluate):
    for kind, known in evaluate("DECODINGS", None).items():
        assert {"kind": kind, **known} == to_dict(KINDS[kind]())
    assert set(evaluate("DECODINGS", None)) == set(KINDS)


def test_the_ranges_are_those_of_the_python_package(evaluate):
    inside, outside = [], []
    for kind, decoding in KINDS.items():
        for setting in fields(decoding):
            low, high = setting.metadata["range"]
            if setting.name == "min_length":
                high = decoding().max_length
            base = {"kind": kind, "min_length": 0}
            inside += [base | {setting.name: value} for value in (low, high)]
            beyond = (low - 0.001, high * 2 + 1, "1", True, None)
            whole = (low + 0.5,) if isinstance(low, int) else ()
            outside += [base | {setting.name: value} for value in beyond + whole]
            if setting.default is None:
                outside.remove(base | {setting.name: None})
    tried = "argument.map((one) => { try { checked(one); return true } catch { return false } })"
    assert evaluate(tried, inside) == [True] * len(inside)
    assert evaluate(tried, outside) == [False] * len(outside)


@pytest.mark.parametrize(
    ("decoding", "message"),
    [
        ('{"kind": "beam", "width": 65}', "width=65: expected a whole number from 1 to 64."),
        ('{"kind": "sample", "top_p": 1.5}', "top_p=1.5: expected a number from 0 to 1."),
        (
            '{"kind": "greedy", "max_length": 5, "min_length": 6}',
            "min_length=6: expected a whole number from 0 to 5.",
        ),
        ('{"kind": "best"}', 'decoding "best": known are greedy, beam, sample.'),
        (
            '{"kind": "greedy", "width": 2}',
            "greedy has no setting 'width': known are "
            "max_length, min_length, no_repeat_ngram, repetition_penalty.",
        ),
        (
            "{kind",
            '--decoding {kind: not JSON. Example: \'{"kind": "beam", "width": 4}\'',
        ),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(node, copied, decoding, message):
    done = node("reply.mjs", copied, "--decoding", decoding, "你好")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"Error: {message}\n")


def test_a_call_without_a_folder_is_refused(node):
    for program in ("reply.mjs", "verify.mjs"):
        done = node(program)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("Error: no folder of a bundle.")


def change_manifest(folder: Path, **values: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), "utf-8")


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda folder: (folder / "manifest.json").unlink(),
            "no manifest.json. A bundle is the folder that 'chatbot export' writes.",
        ),
        (
            lambda folder: change_manifest(folder, format=1),
            "bundle format 1; this client reads 2. Export it again.",
        ),
        (
            lambda folder: change_manifest(folder, format=3),
            "bundle format 3; this client reads 2. Upgrade this client.",
        ),
        (
            lambda folder: change_manifest(folder, format=None),
            "no format number. Export the bundle again.",
        ),
        (
            lambda folder: (folder / "text.onnx").unlink(),
            "text.onnx is missing. Copy the whole folder or export it again.",
        ),
        (
            lambda folder: flip_a_byte(folder / "text.onnx"),
            "the checksum of text.onnx differs from the manifest's. Export it again.",
        ),
        (
            lambda folder: (folder / "vocabulary.json").write_text("{}"),
            "vocabulary.json has 2 bytes; the manifest says",
        ),
        (
            lambda folder: change_manifest(folder, files={}),
            "the manifest does not list text.onnx. Export it again.",
        ),
        (
            lambda folder: change_manifest(folder, files={"../secret": {}}),
            "../secret is no name of a file.",
        ),
        (lambda folder: (folder / "manifest.json").write_text("{"), "manifest.json: not JSON ("),
    ],
)
def test_a_damaged_bundle_is_refused(node, copied, damage, message):
    damage(copied)
    done = node("reply.mjs", copied, "你好")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"Error: {copied}: {message}")
    assert done.stderr.count("\n") == 1
