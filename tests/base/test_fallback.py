"""What is said where the model is not sure of its reply."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from chatbot import Beam, ChatBot, Greedy, Sample
from chatbot.errors import BundleError
from chatbot.fallback import Fallback, log_probability

HONEST = ["没听懂。", "换个说法好吗？", "这个我不会。"]
ALWAYS, NEVER = 1.0, -1e9
SEARCHES = [Greedy(), Beam(width=3), Beam(width=2, length_penalty=0.0)]


def unsure(folder: Path, below: float, replies: Sequence[str] = HONEST) -> ChatBot:
    """Open the bundle with a fallback put into its manifest."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["fallback"] = {"below": below, "replies": list(replies)}
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return ChatBot.load(folder)


def test_the_log_probability_is_the_score_without_its_penalty():
    # The worked example of exports/README.md: -1.3433 / ((5 + 5) / 6)^0.6 = -0.9887.
    assert log_probability(-0.9887, 5, Beam(length_penalty=0.6)) == pytest.approx(-1.3433, abs=1e-4)
    assert log_probability(-0.9887, 5, Greedy()) == -0.9887


@pytest.mark.parametrize("decoding", SEARCHES)
def test_an_unsure_reply_gives_way(folder, bot, decoding):
    honest = unsure(folder, ALWAYS)
    for text in ("你好", "😀👍", "", "我饿了"):
        first, *rest = honest.candidates(text, decoding)
        assert (first.text, first.understood) == (HONEST[len(text) % 3], False)
        assert first.tokens == (first.text,)
        assert rest == bot.candidates(text, decoding)
        assert first.score == rest[0].score
        assert all(reply.understood for reply in rest)
        assert honest.reply(text, decoding) == first


@pytest.mark.parametrize("decoding", SEARCHES)
def test_a_sure_reply_stays(folder, bot, texts, decoding):
    sure = unsure(folder, NEVER)
    for text in texts:
        assert sure.candidates(text, decoding) == bot.candidates(text, decoding)


@pytest.mark.parametrize("decoding", SEARCHES)
def test_a_reply_that_says_so_itself_gives_way_to_the_wording_of_the_turn(folder, bot, decoding):
    replies = [*HONEST, bot.reply("你好", decoding).text]
    first, *rest = unsure(folder, NEVER, replies).candidates("你好", decoding)
    assert (first.text, first.understood) == (HONEST[2], False)
    assert rest == bot.candidates("你好", decoding)


def test_the_threshold_parts_the_replies(folder, bot, texts):
    sure = [reply.score for reply in map(bot.reply, texts)]  # greedy: the score is log p
    below = sorted(sure)[len(sure) // 2]
    replies = [unsure(folder, below).reply(text) for text in texts]
    assert [reply.understood for reply in replies] == [score >= below for score in sure]
    assert {reply.understood for reply in replies} == {True, False}


def test_what_was_drawn_by_chance_stays(folder, bot):
    decoding = Sample(seed=3)
    assert unsure(folder, ALWAYS).reply("你好", decoding) == bot.reply("你好", decoding)


def test_batches_and_streams_say_the_same(folder, texts):
    honest = unsure(folder, ALWAYS)
    assert honest.replies(texts, Greedy()) == [honest.reply(text, Greedy()) for text in texts]
    assert list(honest.stream("你好", Greedy())) == [HONEST[2]]
    sure = unsure(folder, NEVER)
    assert list(sure.stream("你好", Greedy())) == list(sure.reply("你好", Greedy()).tokens)


def test_the_conformance_vectors_are_of_what_the_graph_says(folder):
    assert unsure(folder, ALWAYS).verify() == []


@pytest.mark.parametrize(
    "fallback",
    [
        {},
        {"below": -1.0},
        {"below": -1.0, "replies": []},
        {"below": -1.0, "replies": "没听懂"},
        {"below": -1.0, "replies": [1]},
        {"below": "-1", "replies": HONEST},
        {"below": True, "replies": HONEST},
        {"below": math.inf, "replies": HONEST},
        [HONEST],
        "没听懂",
    ],
)
def test_another_thing_in_its_place_is_no_bundle(folder, fallback):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes()) | {"fallback": fallback}
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BundleError, match="damaged bundle"):
        ChatBot.load(folder)


def test_which_reply_depends_on_the_turn_alone():
    fallback = Fallback(ALWAYS, tuple(HONEST))
    assert [fallback.reply("好" * count) for count in range(4)] == [*HONEST, HONEST[0]]
