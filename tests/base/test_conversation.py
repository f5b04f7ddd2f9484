"""A talk of many turns."""

from types import SimpleNamespace

from chatbot import Beam, Conversation, Greedy, Reply
from chatbot.conversation import REMEMBERED
from chatbot.fallback import Fallback


def said(text: str, score: float = -1.0, *, understood: bool = True) -> Reply:
    return Reply(text, (text,), score, True, (), None, understood)


class Listed:
    """A bot that keeps the same replies for every turn, and what it heard."""

    def __init__(self, *found: Reply, below: float | None = -3.0) -> None:
        fallback = None if below is None else Fallback(below, ("没听懂。",))
        self.bundle = SimpleNamespace(fallback=fallback, decoding=Greedy())
        self.found, self.heard = list(found), []

    def candidates(self, text, decoding, context):
        self.heard.append((text, decoding, context))
        return self.found


def test_it_hears_the_turns_before_and_its_own_replies():
    bot = Listed(said("一"))
    talk = Conversation(bot, Beam())
    for text in ("甲", "乙"):
        talk.reply(text)
    assert bot.heard == [("甲", Beam(), ()), ("乙", Beam(), ("甲", "一"))]


def test_it_searches_as_the_bundle_says():
    bot = Listed(said("一"))
    Conversation(bot).reply("甲")
    assert bot.heard[0][1] == Greedy()


def test_who_asks_again_gets_the_next_best():
    talk = Conversation(Listed(said("一"), said("二", -2.0), said("三", -2.5)))
    assert [talk.reply("甲").text for _ in range(4)] == ["一", "二", "三", "一"]


def test_a_reply_that_it_is_not_sure_of_is_no_next_best():
    talk = Conversation(Listed(said("一"), said("二", -3.5)))
    assert [talk.reply("甲").text for _ in range(2)] == ["一", "一"]


def test_what_was_not_understood_may_be_said_again():
    talk = Conversation(Listed(said("没听懂。", -9.0, understood=False), said("一")))
    assert [talk.reply("甲").text for _ in range(2)] == ["没听懂。", "没听懂。"]


def test_without_a_threshold_the_best_stays_the_best():
    talk = Conversation(Listed(said("一"), said("二"), below=None))
    assert [talk.reply("甲").text for _ in range(2)] == ["一", "一"]


def test_it_forgets_what_is_long_ago():
    talk = Conversation(Listed(said("一"), below=None))
    for number in range(REMEMBERED):
        talk.reply(str(number))
    assert len(talk.turns) == REMEMBERED


def test_a_real_bundle_talks(bot, texts):
    talk = Conversation(bot)
    assert [talk.reply(text) for text in texts] == [bot.reply(text) for text in texts]
