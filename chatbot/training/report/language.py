"""The words of the report, in English and in Chinese."""

from collections.abc import Mapping

from chatbot.page import ENGLISH, Language, prefers_chinese

CHINESE = Language(
    "zh-Hans",
    {
        "Training report: {name}": "训练报告：{name}",
        "As of {time} UTC": "截至 {time} UTC",
        "Run": "训练",
        "Figure": "项目",
        "Value": "值",
        "Parameters": "参数量",
        "vocabulary of {n}": "词表 {n} 个词",
        "Steps": "步数",
        "{n} epochs": "{n} 轮",
        "Time": "用时",
        "{n} tokens/s": "每秒 {n} 个词",
        "Best perplexity": "最低困惑度",
        "Last perplexity": "最后困惑度",
        "no evaluation yet": "尚未评估",
        "loss {loss} at step {step}": "第 {step} 步，损失 {loss}",
        "Training pairs": "训练问答对",
        "{n} held out": "另留 {n} 对验证",
        "State": "状态",
        "going on": "进行中",
        "or killed: the log has no end": "或已被终止：日志没有结尾",
        "at its end": "已结束",
        "the epochs of the recipe are over": "轮数已满",
        "the minutes of the recipe are over": "时间已到",
        "no better for long enough": "多次评估没有进步",
        "stopped": "已停止",
        "by hand; it can go on": "手动停止，可以继续",
        "Device": "设备",
        "{n} processes": "{n} 个进程",
        "Versions": "版本",
        "Pairs left out": "未用的问答对",
        "replies longer than data.max_reply": "答句长于 data.max_reply",
        "Embeddings from a file": "取自文件的词向量",
        "tokens": "个词",
        "Curves": "曲线",
        "Nothing has been measured yet.": "还没有任何测量。",
        "Where nothing is held out, the training pairs are evaluated.": (
            "没有留出验证数据时，评估用的是训练数据。"
        ),
        "As a table": "数据表",
        "Loss in nats a token, and the perplexity that it is": "每个词的损失（奈特）与相应的困惑度",
        "over steps": "横轴为步数",
        "step {step}: loss {loss}, perplexity {perplexity}": (
            "第 {step} 步：损失 {loss}，困惑度 {perplexity}"
        ),
        "training": "训练",
        "held out": "验证",
        "Learning rate": "学习率",
        "Reply tokens a second": "每秒答句词数",
        "Norm of the gradient, before it is clipped": "裁剪前的梯度范数",
        "Computed tokens for each real one": "每个实际词所计算的词数（含填充）",
        "Share of the time spent on making batches": "准备批次所占的时间",
        "Evaluations": "评估",
        "best": "最佳",
        "Step": "步",
        "Epoch": "轮",
        "Loss": "损失",
        "Perplexity": "困惑度",
        "Samples over time": "各阶段的回答",
        "No samples have been taken.": "没有回答样例。",
        "More prompts": "更多问句",
        "True reply": "原答句",
        "Reply": "回答",
        "Attention": "注意力",
        "The best model's greedy reply, downwards, and how much each of its tokens looks at each "
        "token of the prompt. A row sums to 1.": (
            "纵向是最佳模型（贪心搜索）的回答，每一行是其中一个词对问句各词的注意力，总和为 1。"
        ),
        "The decoder of this run has no attention.": "这次训练的解码器没有注意力。",
        "There is no evaluation yet, so no model has been kept.": "尚未评估，还没有保存模型。",
        "Attention of the reply to the prompt": "回答对问句的注意力",
        "Data": "数据",
        "Source": "来源",
        "{n} more": "另外 {n} 个",
        "Share": "比例",
        "Recipe": "配方",
        "What differs between the runs": "两次训练的不同之处",
        "What is not as by default": "与默认不同的设置",
        "Everything is as by default.": "所有设置均为默认值。",
        "Setting": "设置",
        "Default": "默认",
        "The whole recipe": "完整配方",
    },
)


def language_of(environment: Mapping[str, str], asked: str | None = None) -> Language:
    """Return the language that is asked for, "en" or "zh", or else that of the locale."""
    chinese = prefers_chinese(environment) if asked is None else asked == "zh"
    return CHINESE if chinese else ENGLISH
