"""The command line: exit codes, one-line errors, pipes."""

import json
import subprocess
import sys

import pytest

from chatbot import Beam, ChatBot, Greedy, Sample, __version__
from chatbot.bundle import FORMAT, IDS_GRAPH, TEXT_GRAPH
from chatbot.cli import main
from chatbot.commands.packages import needs_extra
from chatbot.commands.searching import Search
from chatbot.errors import ChatbotError, MissingExtraError, StoreError, UsageError


@pytest.fixture
def call(monkeypatch, capsys):
    """Run `chatbot` in this process; return the exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["chatbot", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        return (caught.value.code or 0, *capsys.readouterr())

    return call


def damage(folder):
    path = folder / "vocabulary.json"
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))


class TestMain:
    @pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["chat", "-h"], ["reply", "-h"]])
    def test_help(self, call, arguments):
        code, out, err = call(*arguments)
        assert (code, err) == (0, "")
        assert "Usage: chatbot" in out
        assert "Example: chatbot" in out

    def test_version(self, call):
        assert call("--version") == (0, f"chatbot {__version__}\n", "")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["repyl"], "No such command 'repyl'"),
            (["reply", "--bema", "2"], "No such option"),
            (["reply", "--beam", "0", "x"], "0 is not in the range 1<=x<=64"),
            (["reply", "--max-length", "many", "x"], "'many' is not a valid integer"),
            (["chat", "--threads", "-1"], "-1 is not in the range"),
            (["reply", "--seed", "1.5", "x"], "'1.5' is not a valid integer"),
            (["reply", "--temperature", "warm", "x"], "'warm' is not a valid float"),
        ],
    )
    def test_a_call_that_cannot_be_meant(self, call, arguments, message):
        code, out, err = call(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith("error: ")
        assert message in err
        assert "--help'" in err
        assert err.count("\n") == 1

    @pytest.mark.parametrize("command", [["chat"], ["reply", "你好", "--bundle"]])
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--greedy", "--beam", 2], "--greedy and --beam exclude each other. Choose one."),
            (["--sample", "--greedy"], "--greedy and --sample exclude each other. Choose one."),
            (["--sample", "--beam", 2], "--beam and --sample exclude each other. Choose one."),
            (["--temperature", 1], "--temperature is a setting of --sample only."),
            (["--top-k", 5, "--greedy"], "--top-k is a setting of --sample only."),
            (["--top-p", 0.5, "--beam", 2], "--top-p is a setting of --sample only."),
            (["--seed", 7], "--seed is a setting of --sample only."),
            (
                ["--sample", "--temperature", 0],
                "temperature=0.0: expected a number from 0.01 to 100.0.",
            ),
            (
                ["--sample", "--temperature", "nan"],
                "temperature=nan: expected a number from 0.01 to 100.0.",
            ),
            (
                ["--sample", "--top-k", -1],
                "top_k=-1: expected a whole number from 0 to 1000000.",
            ),
            (["--sample", "--top-p", 1.5], "top_p=1.5: expected a number from 0.0 to 1.0."),
            (
                ["--sample", "--seed", -1],
                "seed=-1: expected a whole number from 0 to 9007199254740991.",
            ),
            (
                ["--no-repeat-ngram", -1],
                "no_repeat_ngram=-1: expected a whole number from 0 to 512.",
            ),
            (
                ["--repetition-penalty", "inf"],
                "repetition_penalty=inf: expected a number from 0.1 to 10.0.",
            ),
        ],
    )
    def test_a_search_that_cannot_be_meant(self, call, folder, command, options, message):
        code, out, err = call(*command, folder, *options)
        assert (code, out, err) == (2, "", f"error: {message}\n")

    def test_an_error_cannot_write_to_the_terminal(self, call, folder):
        path = folder / "manifest.json"
        values = json.loads(path.read_bytes())
        values["files"]["golden.jsonl"]["bytes"] = "\x1b[2J\x07"
        path.write_text(json.dumps(values), encoding="utf-8")
        code, out, err = call("inspect", folder)
        assert (code, out) == (3, "")
        assert "the manifest says \ufffd[2J\ufffd." in err

    @pytest.mark.parametrize("command", [["chat"], ["reply", "你好", "--bundle"], ["inspect"]])
    def test_a_folder_that_is_no_bundle(self, call, tmp_path, command):
        code, out, err = call(*command, tmp_path)
        assert (code, out) == (3, "")
        assert err == (
            f"error: {tmp_path}: no manifest.json. "
            "A bundle is the folder that 'chatbot export' writes.\n"
        )

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (ChatbotError("two\n lines"), 1),
            (StoreError("two lines"), 4),
            (PermissionError(13, "two lines"), 1),
            (KeyboardInterrupt(), 130),
        ],
    )
    def test_what_is_raised_becomes_one_line_and_a_code(self, call, monkeypatch, error, code):
        def broken(*_, **__):
            raise error

        monkeypatch.setattr(ChatBot, "load", broken)
        found, out, err = call("reply", "你好")
        assert (found, out) == (code, "")
        assert err.count("\n") == 1
        assert code == 130 or err.startswith("error: ")
        assert code == 130 or "two lines" in err


class TestNeedsExtra:
    def test_a_missing_package_becomes_its_install_line(self):
        with (
            pytest.raises(MissingExtraError, match=r"pip install 'duihua\[train\]'") as caught,
            needs_extra("chatbot train", "train"),
        ):
            import a_package_that_nobody_has.inside  # noqa: F401, PLC0415
        assert "'chatbot train' needs a_package_that_nobody_has," in str(caught.value)
        assert caught.value.exit_code == 2

    def test_a_missing_module_of_ours_is_a_bug(self):
        with pytest.raises(ModuleNotFoundError), needs_extra("chatbot train", "train"):
            import chatbot.no_such_module  # noqa: F401, PLC0415

    @pytest.mark.parametrize("command", [["train", "a.db", "--out", "a"], ["export", "a", "b"]])
    def test_commands_of_an_extra_name_it(self, command, tmp_path):
        extras = dict.fromkeys(("jieba", "onnx", "safetensors", "sqlalchemy", "torch"))
        code = f"import sys; sys.modules.update({extras}); from chatbot.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, *command],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            text=True,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: 'chatbot {command[0]}' needs ")
        assert done.stderr.endswith("Run: pip install 'duihua[train]'\n")

    def test_other_errors_pass(self):
        with pytest.raises(ZeroDivisionError), needs_extra("chatbot train", "train"):
            _ = 1 / 0


def asked(
    beam: int | None = None, *, greedy: bool = False, sample: bool = False, **settings: float
) -> Search:
    """Return what the command line makes of these options; those not given are None."""
    names = ("temperature", "top_k", "top_p", "seed", "max_length", "no_repeat_ngram")
    given = dict.fromkeys((*names, "repetition_penalty")) | settings
    return Search(beam=beam, greedy=greedy, sample=sample, settings=given)


HOT = Sample(temperature=2.0, top_k=5, top_p=0.5, seed=1, samples=3, max_length=9)


class TestSearch:
    @pytest.mark.parametrize(
        ("search", "default", "expected"),
        [
            (asked(), Beam(width=3), Beam(width=3)),
            (asked(), HOT, HOT),
            (asked(7), Beam(length_penalty=0.1), Beam(width=7, length_penalty=0.1)),
            (asked(7), Greedy(max_length=9), Beam(width=7, max_length=9)),
            (asked(7), HOT, Beam(width=7, max_length=9)),
            (asked(greedy=True), Beam(max_length=9), Greedy(max_length=9)),
            (asked(greedy=True), HOT, Greedy(max_length=9)),
            (asked(sample=True), HOT, HOT),
            (asked(sample=True), Beam(max_length=9), Sample(max_length=9)),
            (asked(sample=True, seed=0, top_k=0), Greedy(), Sample(seed=0, top_k=0)),
            (asked(seed=4), Sample(top_p=0.5, seed=1), Sample(top_p=0.5, seed=4)),
            (
                asked(sample=True, temperature=1.5, top_p=0),
                Greedy(no_repeat_ngram=2),
                Sample(temperature=1.5, top_p=0.0, no_repeat_ngram=2),
            ),
            (asked(max_length=5), Beam(width=3), Beam(width=3, max_length=5)),
            (asked(greedy=True, max_length=5), Beam(), Greedy(max_length=5)),
            (asked(max_length=2), Greedy(min_length=4), Greedy(max_length=2, min_length=2)),
            (asked(no_repeat_ngram=0), Greedy(no_repeat_ngram=2), Greedy()),
            (
                asked(2, no_repeat_ngram=3, repetition_penalty=1.2),
                Greedy(repetition_penalty=1.1),
                Beam(width=2, no_repeat_ngram=3, repetition_penalty=1.2),
            ),
        ],
    )
    def test_what_is_not_asked_for_the_bundle_decides(self, search, default, expected):
        assert search.over(default) == expected

    def test_a_contradiction_is_refused(self):
        with pytest.raises(UsageError, match="--greedy and --beam exclude each other"):
            asked(2, greedy=True).over(Beam())

    @pytest.mark.parametrize("default", [Greedy(), Beam()])
    def test_a_setting_that_the_search_lacks_is_refused(self, default):
        with pytest.raises(UsageError, match="--top-p is a setting of --sample only"):
            asked(top_p=0.5).over(default)


class TestReply:
    def test_texts_get_one_line_each(self, call, folder, bot, texts):
        code, out, err = call("reply", "--bundle", folder, *(text for text in texts if text))
        assert (code, err) == (0, "")
        assert out.splitlines() == [bot.reply(text).text for text in texts if text]

    def test_json(self, call, folder, bot, texts):
        _, out, _ = call("reply", "--json", "--bundle", folder, texts[0], "😀")
        first, second = map(json.loads, out.splitlines())
        expected = bot.reply(texts[0])
        assert first == {
            "text": texts[0],
            "reply": expected.text,
            "tokens": list(expected.tokens),
            "score": pytest.approx(expected.score),
            "finished": True,
            "understood": True,
            "source": list(expected.source),
            "candidates": [{"reply": expected.text, "score": pytest.approx(expected.score)}],
        }
        assert second["text"] == "😀"
        assert list(second) == list(first)

    def test_json_of_a_reply_that_was_cut(self, call, folder):
        _, out, _ = call("reply", "--json", "--max-length", 1, "--bundle", folder, "你好")
        assert json.loads(out)["finished"] is False

    def test_json_lists_what_the_search_kept(self, call, folder, bot):
        _, out, _ = call("reply", "--json", "--beam", 3, "--bundle", folder, "你好")
        found = json.loads(out)
        expected = bot.candidates("你好", Beam(width=3))
        assert [one["reply"] for one in found["candidates"]] == [one.text for one in expected]
        scores = [one["score"] for one in found["candidates"]]
        assert scores == pytest.approx([one.score for one in expected])
        assert found["candidates"][0] == {"reply": found["reply"], "score": found["score"]}

    @pytest.mark.parametrize(
        ("options", "decoding"),
        [
            ("--greedy --max-length 2", Greedy(max_length=2)),
            ("--beam 5", Beam(width=5)),
            ("--repetition-penalty 9", Greedy(repetition_penalty=9.0)),
            ("--sample --seed 2 --temperature 5", Sample(seed=2, temperature=5.0)),
            (
                "--sample --seed 3 --temperature 9 --top-k 30 --top-p 0.99",
                Sample(seed=3, temperature=9.0, top_k=30, top_p=0.99),
            ),
            (
                "--sample --seed 5 --temperature 9 --no-repeat-ngram 1",
                Sample(seed=5, temperature=9.0, no_repeat_ngram=1),
            ),
        ],
    )
    def test_the_search_that_was_asked_for(self, call, folder, bot, texts, options, decoding):
        some = texts[:8]
        code, out, err = call("reply", "--json", *options.split(), "--bundle", folder, *some)
        assert (code, err) == (0, "")
        found = [(one["reply"], one["score"]) for one in map(json.loads, out.splitlines())]
        asked, default = ([bot.reply(text, how) for text in some] for how in (decoding, None))
        assert found == [(one.text, one.score) for one in asked]
        assert found != [(one.text, one.score) for one in default]

    def test_without_a_seed_every_sample_is_another(self, call, folder):
        wild = "--sample --temperature 100 --top-k 0 --top-p 1 --no-repeat-ngram 1"
        _, out, _ = call("reply", *wild.split(), "--bundle", folder, *["你好"] * 20)
        assert len(set(out.splitlines())) > 10

    def test_lines_of_stdin(self, chatbot, folder, bot, texts):
        lines = [texts[0], "", "你好" * 5000, "😀", "a\rb", texts[1]]
        stdin = "\n".join(lines).encode() + b"\r\n\xff\xfe\n\xed\xa0\x80"
        done = chatbot("reply", "--bundle", folder, stdin=stdin)
        assert (done.returncode, done.stderr) == (0, b"")
        replies = done.stdout.decode().split("\n")
        assert replies[-1] == ""
        assert len(replies) == len(lines) + 3
        assert replies[: len(lines)] == [bot.reply(line).text for line in lines]

    def test_utf8_in_a_locale_that_has_none(self, chatbot, folder, bot, texts):
        stdin = texts[0].encode()
        locale = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
        done = chatbot("reply", "--json", "--bundle", folder, stdin=stdin, **locale)
        assert json.loads(done.stdout)["text"] == texts[0]
        assert json.loads(done.stdout)["reply"] == bot.reply(texts[0]).text

    def test_nothing_in_nothing_out(self, chatbot, folder):
        done = chatbot("reply", "--bundle", folder)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")

    def test_a_reply_is_there_before_the_next_line(self, spawn, folder, bot, texts):
        with spawn("reply", "--bundle", folder) as process:
            for text in (texts[0], "", texts[1]):
                process.stdin.write(text.encode() + b"\n")
                process.stdin.flush()
                assert process.stdout.readline().decode() == bot.reply(text).text + "\n"

    def test_a_reader_that_leaves_is_no_error(self, spawn, folder):
        with spawn("reply", "--bundle", folder) as process:
            process.stdout.close()
            process.stdin.write("你好\n".encode() * 2000)
            process.stdin.close()
            assert process.stderr.read() == b""
            assert process.wait(30) == 1


class TestInspect:
    def test_names_what_the_bundle_is(self, call, folder):
        code, out, err = call("inspect", folder)
        assert (code, err) == (0, "")
        rows = dict(line.split("  ", 1) for line in out.splitlines())
        facts = {name: value.strip() for name, value in rows.items()}
        assert facts["folder"] == str(folder)
        assert facts["format"] == str(FORMAT)
        assert facts["context"] == "0"
        for name in (TEXT_GRAPH, IDS_GRAPH):
            assert facts[f"files {name}"] == str((folder / name).stat().st_size)

    @pytest.mark.parametrize("about", [5, None, {"note": "left over"}])
    def test_what_is_listed_besides_is_not_ours(self, call, folder, about):
        path = folder / "manifest.json"
        values = json.loads(path.read_bytes())
        values["files"]["README.md"] = about
        path.write_text(json.dumps(values), encoding="utf-8")
        code, out, err = call("inspect", folder)
        assert (code, err) == (0, "")
        assert "README.md" not in out

    def test_json(self, call, folder, bot):
        _, out, _ = call("inspect", folder, "--json", "--verify")
        facts = json.loads(out)
        assert facts["vocabulary"] == len(bot.bundle.tokenizer.vocabulary)
        assert facts["checked"] == sum(1 for _ in bot.bundle.golden())
        assert facts["differences"] == []

    def test_a_manifest_cannot_write_to_the_terminal(self, call, folder):
        path = folder / "manifest.json"
        values = json.loads(path.read_bytes()) | {"no\x1bte": ["\x1b[2J", 1.5], "good": {}}
        path.write_text(json.dumps(values), encoding="utf-8")
        _, out, _ = call("inspect", folder)
        assert "\x1b" not in out
        assert "\ufffd[2J" in out

    def test_verify_counts_what_it_checked(self, call, folder, bot):
        code, out, err = call("inspect", "--verify", folder)
        assert (code, err) == (0, "")
        count = sum(1 for _ in bot.bundle.golden())
        assert [line.split() for line in out.splitlines()[-2:]] == [
            ["checked", str(count)],
            ["differences", "none"],
        ]

    def test_verify_refuses_what_differs(self, call, folder, rewrite):
        golden = (folder / "golden.jsonl").read_bytes()
        rewrite(folder, "golden.jsonl", golden.replace(b'"ids": [', b'"ids": [9, ', 1))
        code, out, err = call("inspect", "--verify", folder)
        assert code == 3
        assert "expected (9, " in out
        assert err.startswith(f"error: {folder}: 1 of ")

    @pytest.mark.parametrize("ids", [["\ud800"], [1e400], [10**30], [[2]], [None], []])
    def test_verify_refuses_vectors_that_no_writer_wrote(self, call, folder, rewrite, ids):
        line = json.loads((folder / "golden.jsonl").read_bytes().splitlines()[0])
        rewrite(folder, "golden.jsonl", json.dumps(line | {"ids": ids}).encode())
        code, out, err = call("inspect", "--verify", folder)
        assert code == 3
        assert "expected (" in out
        assert err.startswith(f"error: {folder}: 1 of 1 replies are not what the bundle promises")

    def test_a_damaged_bundle(self, chatbot, folder):
        damage(folder)
        done = chatbot("inspect", folder)
        assert (done.returncode, done.stdout) == (3, b"")
        assert done.stderr.decode() == (
            f"error: {folder / 'vocabulary.json'}: its checksum differs from the manifest's. "
            "Export it again.\n"
        )


class TestChatThroughAPipe:
    def test_one_line_for_each_line(self, chatbot, folder, bot, texts):
        stdin = "\n".join([texts[0], "", f"  {texts[1]}\r", "/quit", texts[0]]).encode()
        done = chatbot("chat", folder, stdin=stdin)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.decode().split("\n") == [
            bot.reply(texts[0]).text,
            "",
            bot.reply(texts[1]).text,
            "",
        ]

    def test_the_end_of_the_input_is_no_error(self, chatbot, folder):
        done = chatbot("chat", folder, stdin="/帮助".encode(), LC_ALL="zh_CN.UTF-8")
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.decode().splitlines() == [
            "/help /帮助  显示命令列表",
            "/quit /退出  退出",
        ]

    def test_a_reply_is_there_before_the_next_line(self, spawn, folder, bot, texts):
        with spawn("chat", folder) as process:
            for text in texts[:2]:
                process.stdin.write(text.encode() + b"\n")
                process.stdin.flush()
                assert process.stdout.readline().decode() == bot.reply(text.strip()).text + "\n"

    def test_the_search_that_was_asked_for(self, chatbot, folder, bot):
        options = "--sample --seed 3 --temperature 9 --top-k 0 --top-p 1"
        done = chatbot("chat", folder, *options.split(), stdin="你好\n你好\n".encode())
        decoding = Sample(seed=3, temperature=9.0, top_k=0, top_p=1.0)
        assert done.stdout.decode() == f"{bot.reply('你好', decoding).text}\n" * 2

    def test_nothing_is_kept_of_it(self, chatbot, folder, tmp_path):
        chatbot("chat", folder, stdin="你好\n".encode())
        assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("name", "command"),
    [(TEXT_GRAPH, ["reply", "你好", "--bundle"]), (IDS_GRAPH, ["inspect", "--verify"])],
)
def test_no_traceback_whatever_the_bundle(chatbot, folder, rewrite, name, command):
    rewrite(folder, name, b"no graph")
    done: subprocess.CompletedProcess[bytes] = chatbot(*command, folder)
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.startswith(b"error: onnxruntime refuses the graph: ")
    assert done.stderr.count(b"\n") == 1


class TestStrangeTerminals:
    def test_a_locale_that_knows_no_chinese(self, chatbot, folder):
        plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        done = chatbot("reply", "--json", "--bundle", folder, "你好", **plain)
        assert json.loads(done.stdout)["text"] == "你好"

    def test_a_closed_stdin_is_an_empty_one(self, folder, environment):
        program = [sys.executable, "-P", "-c", "from chatbot.cli import main; main()"]
        done = subprocess.run(
            ["/bin/sh", "-c", '"$@" <&-', "sh", *program, "reply", "--bundle", str(folder)],
            check=False,
            capture_output=True,
            env=environment,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")

    def test_a_reply_leaves_nothing_in_the_home(self, chatbot, folder, tmp_path):
        (tmp_path / "home").mkdir()
        variables = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": ""}
        assert chatbot("reply", "--bundle", folder, "你好", **variables).returncode == 0
        assert list((tmp_path / "home").iterdir()) == []  # onnxruntime's device id is none of ours
