"""The same commands on a real PostgreSQL server, which the tests start themselves."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus_tools.cli import main

pytest.importorskip("psycopg", reason="needs the extra `postgres`")
COMMAND = [sys.executable, "-c", "import sys; from corpus_tools.cli import main; sys.exit(main())"]


def server_program(name: str) -> str | None:
    """Return the path of a program of the server; Debian keeps them out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@pytest.fixture(scope="session")
def server() -> Iterator[Path]:
    """Start a server that listens on a socket in a folder of its own, and yield the folder."""
    initdb, control = server_program("initdb"), server_program("pg_ctl")
    if not initdb or not control:
        pytest.skip("no PostgreSQL server here: its programs initdb and pg_ctl are missing")
    user = None
    folder = Path(tempfile.mkdtemp(prefix="duihua-pg-"))
    if os.getuid() == 0:  # the server refuses to run as root
        user = next((name for name in ("postgres", "nobody") if _exists(name)), None)
        shutil.chown(folder, user)
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            user=user,
            cwd=folder,
        )

    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    try:
        run(initdb, "-D", str(data), "-U", "duihua", "-A", "trust", "-E", "UTF8", "--locale=C")
        run(control, "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
        yield folder
        run(control, "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _exists(name: str) -> bool:
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


@pytest.fixture
def url(server: Path, request: pytest.FixtureRequest) -> str:
    """Make an empty database and return its URL."""
    import psycopg  # noqa: PLC0415

    name = f"test_{abs(hash(request.node.name))}"
    with psycopg.connect(f"host={server} user=duihua dbname=postgres", autocommit=True) as admin:
        admin.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    return f"postgresql+psycopg://duihua:secret@/{name}?host={server}"


@pytest.fixture
def both(corpus: Callable[..., Any], url: str, data: Path) -> Callable[..., tuple[int, str]]:
    """Run a command on both databases, which have to say the same; return what they say."""

    def run(*arguments: object) -> tuple[int, str]:
        said = []
        for store in ("corpus.db", url):
            outcome = corpus(*arguments, "--store", store)
            assert "secret" not in outcome.out + outcome.err
            said.append((outcome.code, outcome.out.replace(store, "STORE")))
        assert said[0] == said[1]
        return said[0]

    return run


def steady(line: str) -> str:
    """Return a line of an import without the time that it took."""
    return line.partition(";")[0]


def test_every_command_does_what_it_does_on_sqlite(
    both: Callable[..., tuple[int, str]], corpus: Callable[..., Any], url: str, data: Path
) -> None:
    Path("more.tsv").write_text(
        "吃火锅吗\t好啊，去吃火锅\n你好\t你好呀\nhello\tworld\n今天天气怎么样\t火锅天气\n",
        encoding="utf-8",
    )
    for file in (data / "pairs.tsv", data / "turns.conv", "more.tsv"):
        lines = [corpus("import", file, "--store", store).out for store in ("corpus.db", url)]
        assert len({steady(line) for line in lines}) == 1
    Path("profile.toml").write_text("[too_long]\nprompt = 6\nreply = 6\n", encoding="utf-8")

    assert "duplicate" in both("rejects", "--seed", 1)[1]
    for asked, total in (("火锅", 3), ("天气 怎么", 0), ("不敢", 1), ("火*", 1)):
        assert both("search", asked)[1].endswith(f"{total} turns\n"), asked
    both("search", "火锅", "--side", "reply", "--source", "more", "--json")
    both("search", "火锅", "--exact")
    assert "newly refused" in both("clean", "--profile", "profile.toml", "--dry-run")[1]
    both("clean", "--profile", "profile.toml")
    both("export", "--all")
    both("undo", "--cleaning")
    assert both("words", "add", "午饭时", "火锅天气")[1].count("corpus segment") == 1
    both("segment")
    both("words", "list")
    both("split", "--valid", 20, "--test", 20)
    for form in ("jsonl", "tsv", "messages", "chatterbot"):
        both("export", "--format", form)
    refused = json.loads(both("rejects", "--rule", "not_chinese", "--json")[1].splitlines()[0])
    both("restore", refused["pair_id"], "--dry-run")
    both("restore", refused["pair_id"])
    both("undo", 1, "--dry-run")
    both("undo", 1)
    both("sample", "-n", 99, "--seed", 3)
    figures = [json.loads(corpus("stats", "--json", "--store", s).out) for s in ("corpus.db", url)]
    for each in figures:
        for row in each["imports"] + each["cleanings"]:
            row.pop("created_at")
    assert figures[0] == figures[1]
    assert corpus("gc", "--store", url).code == 0


def test_two_imports_at_once(url: str, folder: Path) -> None:
    """Both complete, and a pair that both bring is accepted once."""
    lines = [f"你好{number}\t好的{number}\n" for number in range(3_000)]
    for name, part in (("a.tsv", lines[:2_000]), ("b.tsv", lines[1_000:])):
        (folder / name).write_text("".join(part), encoding="utf-8")
    main(["words", "add", "你好", "--store", url])
    started = [
        subprocess.Popen(
            [*COMMAND, "import", name, "--store", url], cwd=folder, stdout=subprocess.PIPE
        )
        for name in ("a.tsv", "b.tsv")
    ]
    said = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    exported = subprocess.run(
        [*COMMAND, "export", "--format", "tsv", "--store", url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert sorted(exported.splitlines()[1:]) == sorted(line.strip("\n") for line in lines)


def test_a_server_that_is_not_there(corpus: Callable[..., Any], folder: Path) -> None:
    outcome = corpus("list", "--store", f"postgresql+psycopg://a:secret@/b?host={folder}")
    assert outcome.code == 4
    assert outcome.err.count("\n") == 1
    assert "secret" not in outcome.err
