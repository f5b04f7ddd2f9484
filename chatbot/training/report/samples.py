"""What the model says: to the same prompts over time, and what it looks at while it says it."""

from collections.abc import Iterator

from chatbot.errors import ChatbotError
from chatbot.page import Content, Markup, element, joined, said
from chatbot.training.report.account import Account
from chatbot.training.report.attention import Attended, attended
from chatbot.training.report.charts import heatmap
from chatbot.training.report.layout import Shown, step_of

OPEN_PROMPTS = 8
"""Prompts that are shown; the samples of others are folded."""

_Prompt = tuple[str, str]
"""A prompt and the true reply to it."""


def samples(shown: Shown) -> Iterator[Markup]:
    """Yield for each prompt what every run said to it, from its first evaluation to its last."""
    prompts = dict.fromkeys(
        prompt for account in shown.runs.values() for prompt in _by_prompt(account)
    )
    blocks = [_block(shown, prompt) for prompt in prompts]
    if not blocks:
        yield shown.remark("No samples have been taken.")
        return
    kind = None if shown.several else "blocks"
    yield element("div", *blocks[:OPEN_PROMPTS], class_=kind)
    if others := blocks[OPEN_PROMPTS:]:
        yield shown.folded("More prompts", element("div", *others, class_=kind))


def attention(shown: Shown) -> Iterator[Markup]:
    """Yield what the best model of each run looked at."""
    yield shown.remark(
        "The best model's greedy reply, downwards, and how much each of its tokens looks at each "
        "token of the prompt. A row sums to 1."
    )
    yield shown.beside(lambda account: _heatmaps(shown, account))


def _by_prompt(account: Account) -> dict[_Prompt, list[tuple[int, str]]]:
    """Return what was said to each prompt, with the step."""
    found: dict[_Prompt, list[tuple[int, str]]] = {}
    for told in account.history.samples():
        for sample in told.samples:
            found.setdefault((sample.prompt, sample.reply), []).append((told.step, sample.said))
    return found


def _block(shown: Shown, prompt: _Prompt) -> Markup:
    asked, true = prompt
    replies = shown.beside(lambda account: [_replies(shown, account, prompt)])
    remark = element("p", element("small", shown.say("True reply")), " ", said(true), class_="true")
    return element("div", element("h3", said(asked)), remark, replies, class_="block")


def _replies(shown: Shown, account: Account, prompt: _Prompt) -> Markup:
    replies = _by_prompt(account).get(prompt, [])
    if not replies:
        return element("p", "–")
    rows = [(step_of(shown, account, step), said(words)) for step, words in replies]
    return shown.table([shown.say("Step"), shown.say("Reply")], rows, "Samples over time")


def _heatmaps(shown: Shown, account: Account) -> Iterator[Markup]:
    if account.recipe.model.mode != "attention":
        yield shown.remark("The decoder of this run has no attention.")
    elif account.history.best is None:
        yield shown.remark("There is no evaluation yet, so no model has been kept.")
    else:
        try:
            found = attended(account.path)
        except ChatbotError as error:  # the rest of the page needs neither weights nor pairs
            yield element("p", str(error), class_="remark")
            return
        yield element("div", *(_heatmap(shown, one) for one in found), class_="heats")


def _heatmap(shown: Shown, one: Attended) -> Markup:
    title = shown.say("Attention of the reply to the prompt")
    drawn = heatmap(one.said, one.read, one.weights, title)
    weights: Iterator[list[Content]] = (
        [said(word), *(f"{share:.2f}" for share in row)]
        for word, row in zip(one.said, one.weights, strict=True)
    )
    table = shown.table([shown.say("Reply"), *one.read], weights, "Attention")
    words = joined([said(one.prompt), " → ", said(one.reply)])
    wide = element("div", drawn, class_="wide", tabindex="0", role="region", aria_label=title)
    return element(
        *("figure", wide, element("figcaption", words), shown.folded("As a table", table)),
        class_="weights",
    )
