"""The words of the report, in English and in Chinese."""

from collections.abc import Mapping

from chatbot.page import ENGLISH, Language, prefers_chinese

CHINESE = Language(
    "zh-Hans",
    {
        "Corpus report: {name}": "语料报告：{name}",
        "As of {time} UTC": "截至 {time} UTC",
        "Pairs accepted": "采用的问答对",
        "Pairs refused": "拒绝的问答对",
        "Dialogues": "对话",
        "Running words": "总词数",
        "Different words": "不同的词",
        "Malformed records": "格式错误的记录",
        "{share} of all pairs": "占全部问答对的 {share}",
        "Sources": "来源",
        "Source": "来源",
        "Licence": "许可",
        "not given": "未注明",
        "Pairs": "问答对",
        "Accepted": "采用",
        "Refused": "拒绝",
        "Malformed": "格式错误",
        "not finished": "未完成",
        "Refusals by rule": "各规则拒绝的数量",
        "Rule": "规则",
        "by source": "按来源",
        "Nothing was refused.": "没有被拒绝的问答对。",
        "Lengths": "长度",
        "Characters": "字数",
        "Words": "词数",
        "Prompts": "问",
        "Replies": "答",
        "Median": "中位数",
        "95% up to": "95% 不超过",
        "Longest": "最长",
        "Share of prompts and replies by length in characters": "问与答按字数的比例",
        "Vocabulary coverage": "词表覆盖率",
        "Share of the text that the n most frequent words make up": "最常用的 n 个词占总词数的比例",
        "Most frequent words": "最常用的词",
        "Share": "比例",
        "Share covered": "覆盖比例",
        "Words needed": "所需词数",
        "number of words (log scale)": "词数（对数刻度）",
        "Most generic replies": "最常见的答句",
        "Reply": "答句",
        "Word": "词",
        "Times": "次数",
        "Counted in their normalised form.": "按规范化后的形式统计。",
        "Splits": "划分",
        "Split": "划分",
        "train": "训练",
        "valid": "验证",
        "test": "测试",
        "Reason": "原因",
        "Cleaning runs": "清洗记录",
        "Run": "次序",
        "Time (UTC)": "时间（UTC）",
        "Turns changed": "改动的话轮",
        "As a table": "数据表",
        "There are no accepted pairs.": "没有采用的问答对。",
    },
)


def language_of(environment: Mapping[str, str]) -> Language:
    """Return the language that the locale of an environment asks for."""
    return CHINESE if prefers_chinese(environment) else ENGLISH
