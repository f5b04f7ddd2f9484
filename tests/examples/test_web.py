"""examples/web: the chat page in a real Chromium."""

import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatbot import ChatBot

pytest.importorskip("playwright", reason="no playwright: pip install playwright")
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

WEB = Path(__file__).parents[2] / "examples" / "web"
FLAGS = (
    "--no-sandbox",  # root has none
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDTHS = (390, 1280)
LOAD_MS = 60_000

pytestmark = pytest.mark.skipif(
    not (WEB / "node_modules").is_dir(), reason="examples/web has no node_modules: run 'npm ci'"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


class Server:
    """serve.py as a program of its own, on a free port."""

    def __init__(self, bundle: Path) -> None:
        command = [sys.executable, str(WEB / "serve.py"), str(bundle), "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Path], Server]]:
    servers = []

    def serve(bundle: Path) -> Server:
        servers.append(Server(bundle))
        return servers[-1]

    yield serve
    for server in servers:
        server.stop()


class Visit:
    """A page in a browser that knows nothing yet, and all that went wrong in it."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context, self.url = context, url
        self.asked: list[str] = []
        self.complaints: list[str] = []
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("console", lambda message: self.complaints.append(message.text))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page: Page = context.new_page()

    def open(self, path: str = "") -> "Visit":
        self.page.goto(self.url + path)
        return self

    def loaded(self) -> "Visit":
        """Wait until the bot answers and the page works without its server."""
        expect(self.page.locator("body")).to_have_attribute(
            "data-state", "offline", timeout=LOAD_MS
        )
        return self

    def say(self, text: str) -> str:
        """Send a text by keyboard; return the bubble of the answer."""
        self.page.fill("#text", text)
        return self.send()

    def send(self) -> str:
        answers = self.page.locator("#messages .facts")
        count = answers.count()
        self.page.press("#text", "Enter")
        expect(answers).to_have_count(count + 1, timeout=LOAD_MS)
        return self.page.locator("#messages .bot .bubble").last.text_content()

    def width(self) -> int:
        return self.page.evaluate("document.documentElement.scrollWidth")


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    contexts = []

    def visit(server: Server, width: int = 1280) -> Visit:
        contexts.append(browser.new_context(viewport={"width": width, "height": 800}))
        return Visit(contexts[-1], server.url)

    yield visit
    for context in contexts:
        context.close()


def first_of(cases: list[dict], kind: str) -> tuple[str, list[dict]]:
    """Return a text and its replies under the kind's usual settings."""
    case = next(case for case in cases if case["decoding"]["kind"] == kind and case["text"])
    return case["text"], case["replies"]


def test_it_answers_as_the_bundle_promises_and_asks_no_one_else(serve, visit, bundle, golden):
    text, _ = first_of(golden(bundle), "greedy")
    promised = ChatBot.load(bundle).reply(text)  # searched as the bundle says, as the page does
    server = serve(bundle)
    here = visit(server).open().loaded()
    assert here.say(text) == promised.text
    page = here.page
    page.click(".facts button")
    table = page.get_by_role("grid")
    expect(table.locator("tbody tr")).to_have_count(len(promised.tokens))
    columns = table.locator("thead th").count()
    expect(table.locator("tbody td")).to_have_count(len(promised.tokens) * columns)
    colours = table.locator("tbody td").evaluate_all(
        "cells => cells.map((cell) => getComputedStyle(cell).backgroundColor)"
    )
    assert len(set(colours)) > 1
    assert page.evaluate("crossOriginIsolated")  # wasm has threads
    assert here.complaints == []
    assert {url for url in here.asked if not url.startswith(server.url)} == set()
    assert f"{server.url}bundle/text.onnx" in here.asked


def test_the_browser_gives_all_that_the_bundle_promises(serve, visit, bundle, golden):
    here = visit(serve(bundle)).open("verify.html")
    result = here.page.locator("#result[data-done]")
    result.wait_for(timeout=LOAD_MS)
    assert result.text_content() == f"{len(golden(bundle))} 条，0 处不同"
    assert result.get_attribute("data-done") == "equal"
    assert here.complaints == []


def test_verify_finds_what_differs(serve, visit, copied, golden, promise_another_score):
    here = visit(serve(copied)).open("verify.html")
    result = here.page.locator("#result[data-done=different]")
    result.wait_for(timeout=LOAD_MS)
    assert result.text_content() == f"{len(golden(copied))} 条，1 处不同"
    difference = here.page.locator("#differences li").text_content()
    assert difference.startswith(f"golden.jsonl, line {promise_another_score}: score of reply 1 ")


def test_after_the_first_visit_it_works_without_its_server(serve, visit, copied, golden):
    text, (promised, *_) = first_of(golden(copied), "greedy")
    server = serve(copied)
    here = visit(server).open().loaded()
    server.stop()
    here.page.reload()
    assert here.loaded().say(text) == promised["text"]
    here.open("verify.html").page.locator("#result[data-done=equal]").wait_for(timeout=LOAD_MS)


def test_the_service_worker_keeps_all_that_the_pages_ask_for(serve, visit, copied):
    server = serve(copied)
    here = visit(server).open().loaded()
    here.open("verify.html").page.locator("#result[data-done]").wait_for(timeout=LOAD_MS)
    asked = {url.removeprefix(server.url) or "./" for url in here.asked}
    listed = re.findall('^  "(.*)",$', (WEB / "sw.js").read_text("utf-8"), re.MULTILINE)
    assert asked - {"sw.js"} == set(listed)


def test_another_bundle_replaces_the_one_that_was_kept(serve, visit, copied):
    server = serve(copied)
    here = visit(server).open().loaded()
    manifest = (copied / "manifest.json").read_text("utf-8")
    (copied / "manifest.json").write_text(manifest.replace('"tiny"', '"another"'), "utf-8")
    here.page.reload()
    here.loaded()
    expect(here.page.locator("#status")).to_contain_text("another")


def test_the_search_can_be_chosen(serve, visit, copied, golden):
    text, beams = first_of(golden(copied), "beam")  # with the width and the penalty of the page
    here = visit(serve(copied)).open().loaded()
    page = here.page
    page.get_by_text("束搜索").click()
    assert here.say(text) == beams[0]["text"]
    expect(page.locator(".facts").last).to_contain_text("束搜索")
    page.locator(".facts button").last.click()
    for place, reply in enumerate(beams):
        expect(page.locator("#candidates li").nth(place)).to_contain_text(reply["text"])
    page.get_by_text("采样").click()
    page.fill("#seed", "7")
    assert here.say(text) == here.say(text)
    expect(page.locator(".facts").last).to_contain_text("采样，种子 7")
    page.fill("#seed", "")
    here.say(text)
    expect(page.locator(".facts").last).to_contain_text("采样，种子 ")


def test_it_says_so_where_it_is_not_sure(serve, visit, copied, honest):
    here = visit(serve(copied)).open().loaded()
    assert here.say("😀") == honest("😀")
    assert here.say("你好😀") == honest("你好😀")  # the turns before do not count
    here.page.locator(".facts button").last.click()
    expect(here.page.locator("#candidates li")).to_have_count(1)
    expect(here.page.locator("#candidates li")).not_to_contain_text(honest("你好😀"))
    assert here.complaints == []


def test_the_keyboard_is_enough(serve, visit, copied):
    here = visit(serve(copied)).open().loaded()
    page = here.page
    expect(page.locator("#text")).to_be_focused()
    here.say("你好")
    page.locator(".facts button").press("Enter")
    cells = page.get_by_role("grid").locator("tbody td")
    cells.first.focus()
    told = page.locator("#weight")
    expect(told).to_contain_text("%")
    before = told.text_content()
    page.keyboard.press("ArrowLeft")  # there is nothing
    expect(cells.first).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(cells.nth(1)).to_be_focused()
    expect(told).not_to_have_text(before)
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    expect(page.locator(".facts button")).to_be_focused()


def test_enter_does_not_send_what_an_input_method_is_composing(serve, visit, copied):
    here = visit(serve(copied)).open().loaded()
    here.page.fill("#text", "ni hao")
    here.page.locator("#text").dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    assert here.page.locator("#messages li").count() == 0
    here.page.press("#text", "Shift+Enter")
    assert here.page.input_value("#text") == "ni hao\n"


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_breaks_the_page(serve, visit, copied, width):
    here = visit(serve(copied), width).open().loaded()
    for text in ("", " \n"):
        here.page.fill("#text", text)
        here.page.press("#text", "Enter")
    assert here.page.locator("#messages li").count() == 0
    texts = (
        "\u202eabc\u202c\u2067你好",
        "<img src=x onerror=alert(1)>",
        "שלום 你好",
        "a" * 100_000,
    )
    for text in texts:
        assert here.say(text)
        here.page.locator(".facts button").last.click()
        assert here.width() == width
    here.page.evaluate('document.getElementById("text").value = "你\\ud800好"')  # half a pair
    assert here.send()
    shown = here.page.locator("#messages .user .bubble").all_text_contents()
    assert shown[1] == texts[1]
    assert here.complaints == []


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda folder: (folder / "manifest.json").unlink(),
            "加载失败：bundle: no manifest.json.",
        ),
        (
            lambda folder: (folder / "text.onnx").write_bytes(b"x"),
            "加载失败：bundle: text.onnx has 1 bytes; the manifest says",
        ),
        (
            lambda folder: (folder / "manifest.json").write_text('{"format": 1}'),
            "加载失败：bundle: bundle format 1; this client reads 2.",
        ),
    ],
)
def test_a_damaged_bundle_is_said(serve, visit, copied, damage, message):
    server = serve(copied)
    damage(copied)
    here = visit(server).open()
    expect(here.page.locator("body")).to_have_attribute("data-state", "failed", timeout=LOAD_MS)
    expect(here.page.locator("#status")).to_contain_text(message)
    expect(here.page.locator("#send")).to_be_disabled()


def test_the_server_serves_its_three_folders_and_nothing_else(serve, copied):
    server = serve(copied)

    def status(path: str) -> int:
        try:
            with urllib.request.urlopen(server.url + path) as response:
                policy = response.headers["Content-Security-Policy"]
                assert policy.startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'")
                return response.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    served = ("", "chat.js", "bundle/manifest.json", "ort/ort-wasm-simd-threaded.wasm")
    assert [status(path) for path in served] == [200] * len(served)
    refused = ("serve.py", "bundle/", "bundle/../serve.py", "node_modules/", "%2e%2e/README.md")
    assert [status(path) for path in refused] == [404] * len(refused)
