"""examples/cpp: compiled against onnxruntime's headers and run with the library of its wheel."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

HEADER = "onnxruntime_cxx_api.h"
FRAMEWORK = "ios-arm64/onnxruntime.framework/Headers"
PACKAGE = "node_modules/com.github.asus4.onnxruntime/Plugins/iOS~/onnxruntime.xcframework"
INCLUDES = (
    Path(os.environ.get("ORT_INCLUDE", "/usr/include/onnxruntime")),
    Path(__file__).parent / PACKAGE / FRAMEWORK,
)


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the programs; return the folder they lie in."""
    for tool in ("g++", "make"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}")
    include = next((folder for folder in INCLUDES if (folder / HEADER).is_file()), None)
    if include is None:
        pytest.skip(f"no {HEADER}: run 'npm ci' in tests/examples or set ORT_INCLUDE")
    if not Path("/usr/include/nlohmann/json.hpp").is_file():
        pytest.skip("no nlohmann/json.hpp: install nlohmann-json3-dev")
    (library,) = (Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*")
    built = tmp_path_factory.mktemp("cpp")
    release = built / "onnxruntime"  # as the release archive lies: include, lib
    (release / "lib").mkdir(parents=True)
    (release / "include").symlink_to(include)
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (release / "lib" / name).symlink_to(library)
    source = Path(__file__).parents[2] / "examples" / "cpp"
    command = ["make", "-s", "-j2", "-C", source, f"ORT={release}", f"BUILD={built}"]
    targets = (built / "reply", built / "verify")
    subprocess.run([*command, *targets], check=True, env=os.environ | {"CXXFLAGS": "-Werror"})
    return built


@pytest.fixture
def run(programs: Path, tmp_path: Path) -> Run:
    """Run a program with a home directory of its own."""
    home = tmp_path / "home"
    home.mkdir()

    def run(name: str, *arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [programs / name, *map(str, arguments)],
            check=False,
            env={"HOME": str(home)},
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        assert not list(home.iterdir())  # onnxruntime's telemetry is off
        return done

    return run


def test_the_client_gives_all_that_the_bundle_promises(run, bundle, golden):
    done = run("verify", bundle)
    assert done.stdout == f"{bundle}: {len(golden(bundle))} cases, 0 differences\n"
    assert (done.returncode, done.stderr) == (0, "")


def test_verify_finds_what_differs(run, copied, promise_another_score):
    done = run("verify", copied)
    assert done.returncode == 1
    assert done.stderr == f"{copied}: golden.jsonl, line {promise_another_score} differs\n"


def test_reply_answers_arguments_and_lines(run, copied, golden):
    greedy = [case for case in golden(copied) if case["decoding"]["kind"] == "greedy"]
    text, reply = greedy[0]["text"], greedy[0]["replies"][0]["text"]
    assert run("reply", copied, text, text).stdout == f"{reply}\n{reply}\n"
    assert run("reply", copied, stdin=f"{text}\n").stdout == f"{reply}\n"


def test_it_says_so_where_it_is_not_sure(run, copied, honest):
    done = run("reply", copied, "😀", "你好😀")
    assert done.stdout.splitlines() == [honest("😀"), honest("你好😀")]


def test_it_says_so_in_the_words_of_the_turn(run, copied, says_so_itself):
    assert run("reply", copied, "😀").stdout == f"{says_so_itself}\n"


def test_errors_are_one_line(run, tmp_path):
    done = run("reply", tmp_path, "你好")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"Error: {tmp_path}: no text.onnx. A bundle of format 2 has one.\n"
    assert run("reply").returncode == 2
