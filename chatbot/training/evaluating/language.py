"""The words of the page, in English and in Chinese."""

from collections.abc import Mapping

from chatbot.page import ENGLISH, Language, prefers_chinese
from chatbot.training.evaluating.examination import ONLY_ANSWERS, OTHER_TOKENS
from chatbot.training.evaluating.measures import PROTOCOLS
from chatbot.training.evaluating.units import NAMES

CHINESE = Language(
    "zh-Hans",
    {
        "Evaluation: {name}": "评测：{name}",
        "As of {time} UTC": "截至 {time} UTC",
        "Model": "模型",
        "Against": "对比模型",
        "run": "训练",
        "bundle": "模型包",
        "Test set": "测试集",
        "split {split}": "划分 {split}",
        "{shown} of {found} questions, {references} references": (
            "{found} 个问题中的 {shown} 个，{references} 条参考答句"
        ),
        "Search": "解码",
        "Protocol": "规程",
        "everything": "全部指标",
        "Scores": "指标",
        "by word": "按词",
        "by character": "按字",
        "between spaces": "按空格",
        "Perplexity": "困惑度",
        "teacher-forced": "每步给出真实前词",
        "free-running": "每步给出自己的前词",
        "mean of batches": "批次均值",
        "value": "取值",
        "95 % interval": "95% 置信区间",
        "model": "模型",
        "against": "对比",
        "difference": "差",
        "share": "比例",
        "Not measured": "未测量",
        "not measured": "未测量",
        "reason": "原因",
        ONLY_ANSWERS: "模型包的图只会作答；请评测导出它的那次训练",
        OTHER_TOKENS: "两个模型的词表不同，词与词无法相比",
        "more of the protocol": "规程的其他内容",
        PROTOCOLS["kdconv"].left_out: "Hits@1 与 Hits@3：对给定的答句排序",
        PROTOCOLS["lccc"].left_out: "Greedy Matching 与 Embedding Average：需要词向量",
        "Replies": "答句",
        "replies": "答句",
        "different": "互不相同",
        "one of the 10 most frequent": "属于最常见的 10 句",
        "empty": "空",
        "cut at the greatest length": "到最大长度被截断",
        "repeats itself": "自我重复",
        "unknown tokens": "含未知词",
        "copies the question": "照抄问句",
        "copies a training reply": "与训练答句相同",
        "unknown tokens in the questions": "问句中的未知词",
        "not known": "未知",
        "Lengths": "长度",
        "length": "长度",
        "references": "参考答句",
        "words": "词数",
        "characters": "字数",
        "mean": "平均",
        "median": "中位数",
        "95 % up to": "95% 不超过",
        "longest": "最长",
        "Examples": "例子",
        "{shown} of {all} questions. chrF compares one reply with its references.": (
            "{all} 个问题中的 {shown} 个。chrF 比较一条答句与其参考答句。"
        ),
        "Turns before": "前文",
        "Reference": "参考",
        "Reply": "答句",
    },
)


def language_of(environment: Mapping[str, str]) -> Language:
    """Return the language that the locale of an environment asks for."""
    return CHINESE if prefers_chinese(environment) else ENGLISH


def label(say: Language, name: str) -> str:
    """Return the name of a row, of which the parts about a unit or behind a comma have their own.

    >>> label(CHINESE, "BLEU-4 by word")
    'BLEU-4（按词）'
    """
    if say.tag == ENGLISH.tag or name in say.strings:
        return say(name)
    for unit in NAMES.values():
        if name.endswith(f" {unit}"):
            return f"{say(name.removesuffix(f' {unit}'))}（{say(unit)}）"
    return "，".join(map(say, name.split(", ")))
