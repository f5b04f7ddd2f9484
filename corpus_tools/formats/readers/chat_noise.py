"""What stands in an exported chat and nobody typed: notices, pictures, quotations."""

import re

SYSTEM_NUMBERS = frozenset({"10000", "1000000"})
SYSTEM_NAMES = frozenset({"系统消息", "系统提示", "SYSTEM", "system"})

_KINDS = (
    "图片|照片|表情|动画表情|语音|视频|文件|链接|位置|地理位置|名片|个人名片|红包|微信红包|QQ红包|转账|音乐"
    "|小程序|卡片消息|聊天记录|闪照|应用消息|分享|通话|语音通话|视频通话|拍一拍|戳一戳"
    "|Photo|Image|Voice|Video|Sticker|File"
)
_MEDIA = re.compile(
    rf"\[(?:{_KINDS})(?:消息)?\d{{0,4}}(?:[:：\s][^\[\]]{{0,200}})?\]|<img\b[^<>]*>", re.IGNORECASE
)
_EMOTICON = re.compile(r"\[[^\[\]\s]{1,20}\]")
_MARKUP = re.compile(r"<(?:\?xml|msg|sysmsg|appmsg)\b.*>", re.DOTALL)
_NOTICE = re.compile(
    r".{0,60}(?:撤回了(?:一条|成员).{0,60}消息|加入了?(?:本群|群聊|群)|退出了?(?:本群|群聊)"
    r"|移出了?(?:本群|群聊)|拍了拍.{0,60}|修改群名称?为.{0,80}|成为新群主|领取了.{0,60}红包"
    r"|现在可以开始聊天了|开启了朋友验证.{0,100}|被对方拒收了?|个共同好友，点击添加好友"
    r"|发起了(?:语音|视频)通话|(?:语音|视频)通话已经结束)[。.]?(?:\s?重新编辑)?"
    r"|以上是打招呼的(?:内容|消息)|(?:语音|视频)?通话时长.{0,20}|对方(?:已取消|无应答|已拒绝)"
)
_QUOTED = re.compile(r"[「“\"].*")
_BELOW_QUOTE = re.compile(r"(?:[-—─]\s?){5,}")


def is_notice(line: str) -> bool:
    """Tell whether a line was written by the program: somebody joined, left, took words back."""
    return bool(_NOTICE.fullmatch(line))


def typed(lines: list[str]) -> str:
    """Return what of a message was typed: no pictures, no quotation; nothing if only emoticons."""
    text = "\n".join(_without_quote(lines)).strip()
    text = "" if _MARKUP.fullmatch(text) else _MEDIA.sub("", text)
    words = "\n".join(line for part in text.split("\n") if (line := part.strip()))
    return words if _EMOTICON.sub("", words).strip() else ""


def _without_quote(lines: list[str]) -> list[str]:
    """Return the lines without the message that they answer, which stands above a dashed line."""
    filled = [line for line in lines if line.strip()]
    if not filled or not _QUOTED.fullmatch(filled[0].strip()):
        return filled
    cut = (i for i, line in enumerate(filled) if _BELOW_QUOTE.fullmatch(line.strip()))
    return filled[next(cut, -1) + 1 :]
