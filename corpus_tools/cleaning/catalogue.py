"""The catalogue: every rule as `corpus rules` lists it, with examples."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from corpus_tools.cleaning.profile import Kind, Profile

DUPLICATE = "duplicate"
"""The refusal that the store itself executes: the pair has been accepted before."""

CONTEXT = "context"
"""No refusal: the mark of a turn that is only context of what follows."""


class Example(NamedTuple):
    """A text and what becomes of it; or a prompt and a reply, and whether they are refused."""

    given: tuple[str, ...]
    result: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it does and why it is on or off, its thresholds by default, examples."""

    id: str
    kind: Kind
    reason: str
    why: str
    on: bool
    thresholds: Mapping[str, Any]
    examples: tuple[Example, ...]


_EXAMPLES: dict[str, list[tuple[str, ...]]] = {
    # Of a text rule: before and after. Of a filter: a prompt and a reply that it refuses.
    "drop_controls": [("你\u200b好\ufeff", "你好")],
    "squeeze_spaces": [("你　　好\t吗", "你 好 吗")],
    "join_spaced": [("你 有 男 朋 友 么", "你有男朋友么")],
    "reposts": [("太对了//@小明:明天放假", "太对了"), ("回复@小明:好的", "好的")],
    "platform_tags": [("早上好 显示地图", "早上好"), ("转发微博", "")],
    "urls": [("看这里http://t.cn/abc吧", "看这里 吧")],
    "mentions": [("@小明 你来吗", " 你来吗")],
    "hashtags": [("#周末去哪#去爬山", " 去爬山"), ("C#和F#哪个好", "C#和F#哪个好")],
    "expressions": [("好啊[微笑]走吧", "好啊 走吧"), ("比分是3:2还是2:3呢", "比分是3:2还是2:3呢")],
    "emoji": [("好吃😂吗", "好吃 吗"), ("𠮷野家的𩸽", "𠮷野家的𩸽")],
    "mask_private": [("打13800138000找我", "打〔电话〕找我"), ("加QQ123456", "加QQ〔QQ〕")],
    "squeeze_repeats": [("哈哈哈哈哈哈", "哈哈哈"), ("888888", "888888")],
    "squeeze_phrases": [("哈喽哈喽哈喽哈喽", "哈喽哈喽哈喽")],
    "simplify": [("為什麼不說話", "为什么不说话")],
    "strip": [("  你好 ", "你好")],
    "undecodable": [("你好", "我\ufffd好")],
    "empty": [("你好", "？！……")],
    "too_short": [("在吗", "嗯")],
    "too_long": [("讲个故事", "从前有座山，" * 50)],
    "not_chinese": [("how are you", "fine thank you 好")],
    "echo": [("呵呵", "呵呵")],
    "private": [("你的号码呢", "13800138000")],
    "word_list": [("你是谁", "我是笨蛋")],
}


def _rules() -> tuple[Rule, ...]:
    default = Profile()
    return tuple(
        Rule(
            id=each.name,
            kind=each.metadata["kind"],
            reason=each.metadata["reason"],
            why=each.metadata["why"],
            on=getattr(default, each.name).on,
            thresholds={k: v for k, v in default.to_dict()[each.name].items() if k != "on"},
            examples=_examples(each.name, each.metadata["kind"]),
        )
        for each in fields(Profile)
    )


def _examples(name: str, kind: Kind) -> tuple[Example, ...]:
    texts = _EXAMPLES.get(name, [])
    if kind == "text":
        return tuple(Example((before,), after) for before, after in texts)
    return tuple(Example(sides, name) for sides in texts)


CATALOGUE: tuple[Rule, ...] = _rules()
"""All rules, in the order in which they work."""

REFUSALS: tuple[str, ...] = tuple(rule.id for rule in CATALOGUE if rule.kind != "text")
"""Every id that can stand as the reason of a refusal."""
