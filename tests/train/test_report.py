"""The page of `chatbot report`: it tells a run, loads nothing, runs nothing, escapes everything."""

import json
import re
import shutil
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatbot.cli import main
from chatbot.decoding import Greedy
from chatbot.errors import TrainingError, UsageError
from chatbot.page import write_page
from chatbot.training.checkpoint import BEST, LOG, RunFolder
from chatbot.training.config import Recipe
from chatbot.training.evaluation import Validation, generate
from chatbot.training.events import Ended, Evaluated, Event, Running, Sample, Started, record
from chatbot.training.report import Account, language_of, report_html
from chatbot.training.report.attention import MOST_READ, attended
from chatbot.training.report.charts import Axis, Frame, Line, Names, heatmap, plot, rounded
from chatbot.training.report.history import FIGURES, MOST_SAMPLES, History
from chatbot.training.report.language import CHINESE
from chatbot.training.report.recipe import MOST_SOURCES
from chatbot.training.report.thinning import Choice, Curve
from chatbot.vocabulary import EOS, SEPARATOR, Vocabulary
from tests.pages import Page, assert_safe
from tests.train.conftest import seeded

HOSTILE = (
    "<script>alert(1)</script>",
    "]]>",
    "\u202egnp.exe",
    '"><img src=x onerror=y>',
    "</style><b>",
    "{name}",
)
WORDS = Vocabulary.learn(
    dict.fromkeys(f"甲乙丙丁戊你好吗 {SEPARATOR}", 9) | {"你好": 5, "<b>": 5}, min_count=1
)
SMALL = {"embedding": 8, "encoder_hidden": 6, "hidden": 12}


STICKING_OUT = """[...document.querySelectorAll("svg text")].filter((text) => {
  const [inner, outer] = [text, text.closest("svg")].map((each) => each.getBoundingClientRect());
  return inner.left < outer.left - 1 || inner.right > outer.right + 1
    || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1;
}).map((text) => text.textContent)"""
OVERLAPPING = """[...document.querySelectorAll("svg.plot")].flatMap((plot) => {
  const texts = [...plot.querySelectorAll("text")];
  const boxes = texts.map((text) => text.getBoundingClientRect());
  return texts.filter((text, i) => boxes.some((box, j) => j < i
    && box.left < boxes[i].right && boxes[i].left < box.right
    && box.top < boxes[i].bottom && boxes[i].top < box.bottom)).map((text) => text.textContent);
})"""


def started(step: int = 0, **other: Any) -> Started:
    given = {"parameters": 1_234, "vocabulary": len(WORDS), "pairs": 3, "held_out": 2}
    return Started(**{**given, "left_out": 7, "step": step, "device": "cpu, fp32", **other})


def running(step: int, loss: float = 3.0, **other: float) -> Running:
    given = {"epoch": step / 10, "seconds": float(step), "tokens_per_second": 2_000.0}
    given |= {"learning_rate": 1e-3, "gradient_norm": 0.5, "padding": 1.2, "loading": 0.01}
    return Running(step=step, loss=loss, seconds_left=1.0, **{**given, **other})


def evaluated(step: int, loss: float, *said: tuple[str, str, str], best: bool = True) -> Evaluated:
    samples = tuple(Sample(*one) for one in said)
    return Evaluated(step, step / 10, float(step), Validation(loss, 9), best, samples)


EVENTS = (
    started(),
    running(5, 5.0),
    evaluated(10, 4.0, ("甲", "乙", "丙丙")),
    running(15, 3.5),
    evaluated(20, 3.0, ("甲", "乙", "乙")),
    evaluated(30, 3.25, ("甲", "乙", "丁"), best=False),
    Ended(30, 61.0, "epochs"),
)


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a run folder: real pairs and weights, and the events given."""

    def make(
        name: str = "第一 1",
        events: tuple[Event, ...] = EVENTS,
        *,
        weights: bool = True,
        sources: dict[str, int] | None = None,
        held_out: tuple[str, ...] = ("甲乙", "你好吗", "甲乙"),
        **model: Any,
    ) -> Path:
        run = RunFolder(tmp_path / name)
        recipe = Recipe.from_dict({"model": {**SMALL, **model}, "data": {"max_reply": 9}})
        ids = {text: [*map(WORDS.id_of.__getitem__, text), EOS] for text in ("甲", *held_out)}
        run.write_pairs("train", [(ids["甲"], ids["甲"])] * 3)
        run.write_pairs("valid", [(ids[text], ids["甲"]) for text in held_out])
        run.create(recipe, WORDS, sources={"a.tsv": 3} if sources is None else sources)
        for event in events:
            run.log(record(event))
        if weights:
            run.save_best(seeded(recipe.model, len(WORDS)), {"step": 20})
        return run.path

    return make


def page_of(*paths: Path, **options: Any) -> str:
    return report_html([Account.read(path) for path in paths], **options)


def texts_of(*paths: Path) -> list[str]:
    return Page(page_of(*paths)).texts


class TestThePage:
    def test_nothing_is_loaded_or_run(self, make_run: Callable) -> None:
        assert_safe(page_of(make_run()))

    def test_hostile_text_is_text(self, make_run: Callable) -> None:
        said = tuple((text, text, text) for text in HOSTILE)
        events = (
            started(device=HOSTILE[0]),
            evaluated(10, 3.0, *said),
            Ended(10, 1.0, HOSTILE[3]),
        )
        run = make_run("<b>{name}", events, sources=dict.fromkeys(HOSTILE, 5))
        texts = texts_of(run)
        for hostile in HOSTILE:
            assert hostile.replace("\u202e", "\N{REPLACEMENT CHARACTER}") in texts
        assert "Training report: <b>{name}" in texts
        assert "\u202e" not in page_of(run)

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.tuples(*[st.text(max_size=9)] * 3), min_size=1, max_size=3, unique=True))
    def test_any_text_leaves_the_page_whole(self, said: list[tuple[str, str, str]]) -> None:
        def page(samples: list[tuple[str, str, str]]) -> list[str]:
            history = History([record(evaluated(10, 3.0, *samples))])
            recipe = Recipe.from_dict({"model": {"mode": "peek"}})
            about = {"pairs": {}, "versions": {}}
            return Page(report_html([Account(Path("a"), about, recipe, 9, history)])).names

        plain = {(prompt, reply): None for prompt, reply, _ in said}
        assert page(said) == page([(f"{n}", "", "") for n in range(len(plain))])

    def test_the_figures_are_there(self, make_run: Callable) -> None:
        """e^3 = 20.1, e^3.25 = 25.8; the best evaluation is that of step 20."""
        run = make_run()
        texts = " ".join(texts_of(run))
        for expected in (
            "1,234",
            "0:01:01",
            "20.1",
            "loss 3.000 at step 20",
            "25.8",
            "loss 3.250 at step 30",
            "20 (best)",
            "the epochs of the recipe are over",
            "cpu, fp32",
            "a.tsv",
            "model.hidden",
            'mode = "attention"',
        ):
            assert expected in texts, expected
        assert "train.seed" not in texts  # as by default

    def test_chinese_is_chinese(self, make_run: Callable) -> None:
        """Nothing is left in English but what names something: settings, tokens, files, units."""
        page = Page(page_of(make_run(), language=CHINESE))
        style = max(page.texts, key=len)
        names = re.compile(r"UTC|torch|cpu|a\.tsv|[a-z]+\.[a-z_]+|<eos>|\[model\]|^epochs$")
        left = [
            text
            for text in page.texts
            if re.search("[A-Za-z]{3}", text) and text != style and not names.search(text)
        ]
        assert left == []

    @pytest.mark.parametrize(
        ("environment", "asked", "tag"),
        [
            ({}, None, "en"),
            ({"LANG": "zh_CN.UTF-8"}, None, "zh-Hans"),
            ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, None, "en"),
            ({"LANG": "en_US"}, "zh", "zh-Hans"),
            ({"LANG": "zh_CN.UTF-8"}, "en", "en"),
        ],
    )
    def test_the_locale_decides_unless_somebody_asks(
        self, environment: dict[str, str], asked: str | None, tag: str
    ) -> None:
        assert language_of(environment, asked).tag == tag


class TestRunsOfEveryKind:
    def test_one_that_is_going_on(self, make_run: Callable) -> None:
        assert "or killed: the log has no end" in texts_of(make_run(events=EVENTS[:-1]))

    def test_one_that_goes_on_after_its_end(self, make_run: Callable) -> None:
        run = make_run(events=(*EVENTS, started(30, left_out=0), running(35)))
        account = Account.read(run)
        assert account.figures()["ended"] is None
        assert account.history.left_out == 7  # which only the first start counts

    @pytest.mark.parametrize("log", ["", "\n\n", '{"event": "started", "st', "[1]\nnull\n"])
    def test_one_without_a_record(self, make_run: Callable, log: str) -> None:
        run = make_run(events=(), weights=False)
        (run / LOG).write_text(log, encoding="utf-8")
        texts = texts_of(run)
        assert "Nothing has been measured yet." in texts
        assert "No samples have been taken." in texts
        assert "There is no evaluation yet, so no model has been kept." in texts
        (run / LOG).unlink()
        assert "Nothing has been measured yet." in texts_of(run)

    def test_one_whose_last_line_is_half_written(self, make_run: Callable) -> None:
        run = make_run()
        before = Account.read(run).figures()
        with (run / LOG).open("ab") as file:
            file.write('{"event": "train", "step": 31, "said": "你'.encode()[:-1])
        assert Account.read(run).figures() == before
        assert Page(page_of(run))

    def test_one_with_figures_that_are_none(self, make_run: Callable) -> None:
        nothing = float("nan")
        events = (running(5, nothing, gradient_norm=float("inf")), evaluated(10, nothing), *EVENTS)
        account = Account.read(make_run(events=events))
        assert [one.loss for one in account.history.evaluations] == [4.0, 3.0, 3.25]
        assert len(account.history.curve("gradient_norm")) == 2
        assert "nan" not in json.dumps(account.figures()).lower()

    def test_what_was_said_may_hold_any_line_break(self, make_run: Callable) -> None:
        run = make_run(events=(evaluated(10, 3.0, ("a\u2028b", "\x85", "\x0c")),))
        assert len(Account.read(run).history.evaluations) == 1

    def test_one_of_a_hundred_thousand_records(self, make_run: Callable) -> None:
        run = make_run(events=())
        with (run / LOG).open("w", encoding="utf-8") as file:
            for step in range(1, 100_001):
                file.write(json.dumps(record(running(step, 1 + 9 / step))) + "\n")
        tracemalloc.start()
        history = Account.read(run).history
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4_000_000  # the log has 30 million bytes
        assert all(100 < len(history.curve(name)) <= 400 for name in FIGURES)
        assert history.step == 100_000
        assert len(page_of(run)) < 300_000

    def test_one_that_holds_nothing_out(self, make_run: Callable) -> None:
        texts = texts_of(make_run(held_out=()))
        assert "Where nothing is held out, the training pairs are evaluated." in texts

    def test_one_without_attention(self, make_run: Callable) -> None:
        assert "The decoder of this run has no attention." in texts_of(make_run(mode="peek"))

    def test_one_whose_pairs_or_weights_are_gone(self, make_run: Callable) -> None:
        run = make_run()
        (run / BEST).unlink()
        assert any("not there yet" in text for text in texts_of(run))
        run = make_run("b")
        (run / "valid.ids").write_bytes(b"")
        assert any("damaged" in text for text in texts_of(run))

    def test_no_run_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match=r"no run\.json\. A run is what"):
            Account.read(tmp_path)


class TestSamples:
    def test_each_prompt_has_what_was_said_at_each_evaluation(self, make_run: Callable) -> None:
        """Read back out of the table: the reply stands beside its step."""
        page = page_of(make_run())
        rows = re.findall(r'<th scope="row">([^<]*)</th><td><bdi lang="zh">([^<]*)</bdi>', page)
        assert rows == [("10", "丙丙"), ("20 (best)", "乙"), ("30", "丁")]

    def test_of_many_evaluations_first_best_and_last_are_shown(self) -> None:
        losses = [abs(step - 330) / 100 + 1 for step in range(0, 1000, 10)]
        events = (evaluated(10 * i, loss, ("甲", "乙", f"{i}")) for i, loss in enumerate(losses))
        steps = [said.step for said in History(map(record, events)).samples()]
        assert steps == sorted(steps)
        assert {0, 330, 990} <= set(steps)
        assert len(steps) <= MOST_SAMPLES + 1

    def test_many_prompts_are_folded(self, make_run: Callable) -> None:
        said = [(f"问{i}", "答", "好") for i in range(20)]
        page = page_of(make_run(events=(evaluated(1, 1.0, *said),)))
        assert page.index("问7<") < page.index("More prompts") < page.index("问8<")


class TestAttention:
    def test_it_is_that_of_the_model(self, make_run: Callable) -> None:
        """The weights that PyTorch computes at each step of the same search, caught by a hook."""
        run = make_run()
        found = attended(run)
        model = seeded(Recipe.from_dict({"model": SMALL}).model, len(WORDS))
        for one, source in zip(found, ("甲乙", "你好吗"), strict=True):
            ids = [*map(WORDS.id_of.__getitem__, source), EOS]
            caught: list[torch.Tensor] = []
            hook = model.decoder.attention.register_forward_hook(
                lambda _, __, out, caught=caught: caught.append(out[1][0, 0])
            )
            ((best,),) = generate(model, [ids], Greedy(max_length=9))
            hook.remove()
            expected = torch.stack(caught).numpy()
            assert one.prompt == source
            assert one.read == (*source, "<eos>")
            assert one.reply == "".join(WORDS.tokens[number] for number in best.ids)
            np.testing.assert_allclose(one.weights, expected, atol=1e-5)

    def test_each_row_sums_to_one(self, make_run: Callable) -> None:
        """Sources of different lengths are answered together: padding gets nothing."""
        for one in attended(make_run(held_out=("甲", "乙丙丁戊甲乙丙丁戊", "你好"))):
            assert one.weights.shape == (len(one.said), len(one.read))
            np.testing.assert_allclose(one.weights.sum(axis=1), 1, atol=1e-5)

    def test_the_same_prompt_is_shown_once_and_a_long_one_never(self, make_run: Callable) -> None:
        held_out = ("甲", "甲", "乙" * MOST_READ, "丙", "丁", "戊", "你")
        assert [one.prompt for one in attended(make_run(held_out=held_out))] == list("甲丙丁戊")
        assert attended(make_run("长", held_out=("乙" * MOST_READ,))) == []

    def test_a_square_is_as_strong_as_its_weight(self) -> None:
        weights = np.array([[0.25, 0.75, 0.0], [0.5, 0.5, 0.0]])
        drawn = heatmap(["<a>", "b"], ["x", "y", "z"], weights, "t").html
        strengths = re.findall(r'fill-opacity="([\d.]+)"', drawn)
        assert [float(one) for one in strengths] == weights.flatten().tolist()
        assert "<title>&lt;a&gt; ← y: 75.0%</title>" in drawn

    def test_what_cannot_be_seen_is_shown_by_a_sign(self, make_run: Callable) -> None:
        spaced, separated = attended(make_run(held_out=("甲 乙", f"甲{SEPARATOR}乙")))
        assert spaced.read == ("甲", "␣", "乙", "<eos>")
        assert separated.read == ("甲", "←", "乙", "<eos>")
        assert separated.prompt == "甲 ← 乙"

    def test_a_long_word_is_cut(self) -> None:
        drawn = heatmap(["a" * 50], ["b"], np.ones((1, 1)), "t").html
        assert ">aaaaaaa…<" in drawn
        assert f"{'a' * 50} ← b" in drawn


class TestPlots:
    @given(st.floats(-1e12, 1e12), st.floats(0, 1e12))
    @example(0.0, 5e-324)  # the smallest there is
    @example(5e-324, 5e-324)
    def test_an_axis_has_room_for_all_values(self, low: float, span: float) -> None:
        axis = Axis.of_values([low, low + span])
        distances = np.diff(axis.marks)
        assert 0 <= axis.share(low) <= axis.share(low + span) <= 1
        assert 2 <= len(axis.marks) <= 8
        np.testing.assert_allclose(distances, distances[0], rtol=1e-3)

    @given(st.integers(0, 10**9))
    def test_the_axis_of_steps_has_whole_ones(self, last: int) -> None:
        axis = Axis.of_steps(last)
        assert axis.share(0) == 0
        assert axis.share(max(1, last)) == 1
        assert all(mark % 1 == 0 and mark <= max(1, last) for mark in axis.marks)

    def test_a_curve_is_linear_in_both_directions(self) -> None:
        axis = Axis(0, 10, [0, 10])
        line = Line([(0, 0), (5, 5), (10, 10)], "run1")
        frame = Frame(120, 110, "small", left=10, right=10, top=0, bottom=10)
        names = Names(rounded)
        drawn = plot([line], "t", steps=axis, values=axis, names=names, frame=frame)
        assert 'points="10,100 60,50 110,0"' in drawn.html

    @pytest.mark.parametrize(
        ("value", "name"),
        [(0.3 - 0.1, "0.2"), (2500, "2,500"), (12_500, "12.5k"), (3e6, "3M"), (2.5e-5, "2.5e-05")],
    )
    def test_numbers_of_an_axis_are_short(self, value: float, name: str) -> None:
        assert rounded(value) == name

    @given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
    def test_thinning_keeps_order_and_mean(self, values: list[float]) -> None:
        """Each point is the mean of as many neighbours, so all but the last weigh the same."""
        curve = Curve(most=8)
        for step, value in enumerate(values):
            curve.add(step, value)
        steps = [point.step for point in curve.points]
        assert steps == sorted(steps)
        assert len(steps) <= 8
        stride = round(2 * steps[0] + 1) if len(steps) > 1 else len(values)
        expected = [np.mean(values[at : at + stride]) for at in range(0, len(values), stride)]
        np.testing.assert_allclose([point.value for point in curve.points], expected, atol=1e-6)

    @given(st.integers(1, 500), st.integers(2, 9))
    def test_a_choice_is_even(self, size: int, most: int) -> None:
        choice = Choice[int](most)
        for number in range(size):
            choice.add(number)
        chosen = choice.things
        assert chosen[0] == 0
        assert chosen[-1] == size - 1
        assert len(chosen) == min(size, len(chosen)) <= most
        assert len(set(np.diff(chosen)[:-1])) <= 1


class TestData:
    def test_small_sources_are_one(self, make_run: Callable) -> None:
        counts = {f"{n}.tsv": n for n in range(1, 21)}
        texts = texts_of(make_run(sources=counts))
        assert "8 more" in texts
        assert f"{sum(range(1, 9))}" in texts
        assert "20.tsv" in texts
        assert "8.tsv" not in texts
        assert len([text for text in texts if text.endswith(".tsv")]) == MOST_SOURCES

    def test_bars_are_as_long_as_their_counts(self, make_run: Callable) -> None:
        page = page_of(make_run(sources={"a": 10, "b": 40}))
        bars = re.findall(r'<svg[^>]*class="bar"[^>]*><rect[^>]* width="([\d.]+)"', page)
        assert bars == ["100", "25"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


class TestInABrowser:
    """Chromium shows the page at the width of a telephone and of a desktop, by day and by night."""

    @pytest.fixture
    def page(self, make_run: Callable, tmp_path: Path) -> Path:
        """Two runs with long names, long words, long curves, long prompts."""
        said = [("甲乙" * 40, "W" * 90, "乙" * 90), *((text, text, text) for text in HOSTILE)]
        events = [started(device="cuda, bf16")]
        for step in range(1, 300):
            events.append(running(step * 4_321, 9 / step, learning_rate=0.25 / step / 10_000))
            if step % 9 == 0:
                events.append(evaluated(step * 4_321, 8 / step, *said))
        held_out = ("甲" * (MOST_READ - 1), "你好吗")
        runs = [
            make_run(name, tuple(events[:count]), held_out=held_out, sources={name * 9: 5})
            for name, count in (("run-" * 20, 300), ("训练" * 20, 200))
        ]
        file = tmp_path / "页 1.html"
        write_page(page_of(*runs), file)
        return file

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [390, 1280])
    def test_nothing_overlaps_and_nothing_sticks_out(
        self, browser: Any, page: Path, width: int, scheme: str
    ) -> None:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        complaints: list[str] = []
        context.on("console", lambda message: complaints.append(message.text))
        shown = context.new_page()
        shown.goto(page.as_uri())
        for details in shown.locator("summary").all():
            details.click()
        assert shown.evaluate("document.documentElement.scrollWidth") == width
        assert shown.evaluate(STICKING_OUT) == []
        assert shown.evaluate(OVERLAPPING) == []
        assert complaints == []  # the policy lets the style through
        context.close()


class TestTwoRuns:
    def test_they_stand_side_by_side(self, make_run: Callable) -> None:
        other = (started(), running(8, 6.0), evaluated(9, 2.0, ("甲", "乙", "戊戊")))
        one, two = make_run("一"), make_run("二", other, hidden=16, sources={"b.tsv": 2})
        page = page_of(one, two)
        texts = Page(page).texts
        assert "Training report: 一 · 二" in texts
        for expected in ("丙丙", "戊戊", "a.tsv", "b.tsv", "7.39", "20.1"):
            assert expected in texts, expected
        for look in ("run1 thin", "run1 thick", "run2 thin", "run2 thick"):
            assert f'class="curve {look}"' in page

    def test_what_differs_is_told_apart_from_what_both_change(self, make_run: Callable) -> None:
        page = page_of(make_run("一"), make_run("二", hidden=16))
        apart = page.index("What differs between the runs")
        alike = page.index("What is not as by default")
        assert apart < page.index("<code>model.hidden</code>") < alike
        assert alike < page.index("<code>model.embedding</code>")
        assert "<code>256</code></td><td><code>12</code></td><td><code>16</code>" in page

    def test_folders_of_the_same_name_are_told_apart(self, make_run: Callable) -> None:
        one = make_run("a/run")
        two = make_run("b/run")
        assert f"Training report: {one} · {two}" in texts_of(one, two)
        assert Page(page_of(one, one))  # a mistake, but no reason to fail


class TestTheCommand:
    @pytest.fixture
    def call(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable:
        def call(*arguments: object) -> tuple[int, str, str]:
            monkeypatch.setattr(sys, "argv", ["chatbot", "report", *map(str, arguments)])
            with pytest.raises(SystemExit) as caught:
                main()
            return (caught.value.code or 0, *capsys.readouterr())

        return call

    def test_a_page_is_written_into_the_run(self, make_run: Callable, call: Callable) -> None:
        run = make_run()
        assert call(run, "--lang", "zh") == (0, "", f"{run / 'report.html'}: written\n")
        page = (run / "report.html").read_text(encoding="utf-8")
        assert "训练报告" in page
        assert RunFolder(run).open()  # the run is as it was

    def test_json_is_the_figures(self, make_run: Callable, call: Callable, tmp_path: Path) -> None:
        run = make_run()
        code, out, err = call(run, run, "--json")
        assert (code, err) == (0, "")
        first, second = map(json.loads, out.splitlines())
        assert first == second
        assert (first["steps"], first["seconds"], first["ended"]) == (30, 61.0, "epochs")
        assert first["best"]["validation_loss"] == 3.0
        assert first["last"]["step"] == 30
        assert [one["step"] for one in first["evaluations"]] == [10, 20, 30]
        assert not (run / "report.html").exists()
        code, out, err = call(run, "--json", "--html", tmp_path / "a.html")
        assert (code, err) == (0, f"{tmp_path / 'a.html'}: written\n")
        assert json.loads(out) == first

    def test_no_run_is_one_sentence(self, call: Callable, tmp_path: Path) -> None:
        code, out, err = call(tmp_path)
        assert (code, out) == (1, "")
        assert err == f"error: {tmp_path}: no run.json. A run is what 'chatbot train' writes.\n"

    def test_a_page_is_written_whole_or_not_at_all(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = tmp_path / "a.html"
        write_page("old", page)

        def full(*_: object) -> None:
            raise OSError(28, "full")

        monkeypatch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="full"):
            write_page("new", page)
        assert page.read_text(encoding="utf-8") == "old\n"
        assert list(tmp_path.iterdir()) == [page]
        with pytest.raises(UsageError, match="no file"):
            write_page("new", tmp_path)
