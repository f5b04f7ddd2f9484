"""Text rules about what platforms put into a text: reposts, tags, addresses, names, pictures.

What is dropped leaves a space, so that its neighbours do not grow together into something new.
"""

import re
from collections.abc import Callable

Edit = Callable[[str], str]

_NAME = r"(?=_*[^\W_])[\w-]{1,30}(?![\w-])"
_HEAD = re.compile(rf"^\s?(?:(?:回复|回覆)\s?[@＠]{_NAME}\s?[:：]?\s?)+")
_TAIL = re.compile(rf"\s?(?<!:)//\s?[@＠]{_NAME}.*", re.DOTALL)

TAILS = (
    *("转发微博", "轉發微博", "分享图片", "分享圖片", "分享视频", "显示地图", "顯示地圖"),
    *("网页链接", "查看图片", "秒拍视频", "收起全文", "展开全文"),
)
"""What stands alone or behind everything else; inside a sentence it is a phrase like any other."""

_MEDIA = """
图片 圖片 照片 视频 視頻 影片 语音 語音 文件 檔案 表情 动画表情 链接 連結 位置 名片
个人名片 红包 微信红包 QQ红包 转账 小程序 音乐 分享 聊天记录 合并转发 视频通话 语音通话
通话 贴图 自定义表情 表情包 闪照 群公告 拍一拍 戳一戳 接龙 视频号 卡券 收藏 Photo Video
Audio Sticker Image Voice File Location Link
""".split()  # noqa: SIM905 - names are easier to read without quotes
_BRACKETED = r" ?[\[［](?:{})[\]］] ?"  # not 【】, which people put around what they stress
_MEDIA_TAG = re.compile(_BRACKETED.format("|".join(_MEDIA)))
_CHECK_IN = re.compile(
    r" ?(?:我在(?:这里|這裡)?[:：] ?(?:(?!我在)\S){0,30} ?)+(?=https?://|显示地图|顯示地圖)"
    r"|(?:^| )我在[:：](?:(?!我在)\S){1,30}的地点(?= |$)"
)
_TAIL_SIGN = re.compile(rf"(?:{'|'.join(TAILS)})[。.]?\s?$")
_TAIL_TAG = re.compile(
    rf"(?:(?:^|\s|(?<=[!-~]))(?:{'|'.join(TAILS)})[。.]?\s?)+$",
)

_URL = re.compile(
    # The last character is no punctuation, so that the sentence keeps its own.
    r" ?(?:(?:https?|ftp)://|(?<![A-Za-z0-9@.-])(?:www\.|[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})"
    r"{0,3}\.[A-Za-z]{2,10}/))(?:[!-~]*[A-Za-z0-9/=_&#%+~-])? ?",
    re.IGNORECASE,
)

_MENTION = re.compile(
    # Behind Latin an @ is part of an address, unless the name is Han.
    rf" ?(?:(?<![A-Za-z0-9._%+-])[@＠]|[@＠](?=_*[\u4e00-\u9fff])){_NAME}(?:[@＠]{_NAME})*[:：]? ?"
)

_TOPIC = re.compile(
    # Not `C#和F#`, nor `#1和#2`, nor a sentence, which somebody quotes.
    r" ?(?<![A-Za-z0-9&])[#＃](?=[^#＃]*[^\W_])"
    r"[^#＃\s，。？！；：、…,.?!;:]{2,32}[#＃](?![A-Za-z0-9]) ?"
)

_EXPRESSIONS = """
微笑 撇嘴 色 发呆 得意 流泪 害羞 闭嘴 睡 大哭 尴尬 发怒 调皮 呲牙 惊讶 难过 酷 冷汗 抓狂
吐 偷笑 可爱 愉快 白眼 傲慢 饥饿 困 惊恐 流汗 憨笑 大兵 悠闲 奋斗 咒骂 疑问 嘘 晕 折磨
疯了 衰 骷髅 敲打 再见 擦汗 抠鼻 鼓掌 糗大了 坏笑 左哼哼 右哼哼 哈欠 鄙视 委屈 快哭了
阴险 亲亲 吓 可怜 菜刀 西瓜 啤酒 篮球 乒乓 咖啡 饭 猪头 玫瑰 凋谢 示爱 嘴唇 爱心 心碎
蛋糕 闪电 炸弹 刀 足球 瓢虫 便便 月亮 太阳 礼物 拥抱 强 弱 握手 胜利 抱拳 勾引 拳头 差劲
爱你 NO OK 爱情 飞吻 跳跳 发抖 怄火 转圈 磕头 回头 跳绳 挥手 激动 街舞 献吻 左太极
右太极 嘿哈 捂脸 奸笑 机智 皱眉 耶 吃瓜 加油 天啊 Emm 社会社会 旺柴 好的 打脸 哇 翻白眼
666 让我看看 叹气 苦涩 裂开 合十 庆祝 發 福 烟花 爆竹 加油加油 哈哈 嘻嘻 泪 怒 doge 二哈
笑cry 允悲 心 good 赞 ok 来 不要 神马 浮云 给力 围观 威武 熊猫 兔子 奥特曼 囧 互粉 喜
话筒 蜡烛 绿丝带 发红包 沙尘暴 照相机 挖鼻 挖鼻屎 吃惊 挤眼 睡觉 感冒 汗 黑线 打哈气
打哈欠 哼 怒骂 懒得理你 拜拜 偷乐 悲伤 思考 生病 失望 做鬼脸 太开心 笑哭 伤心 鲜花 最右
开心 摊手 跪了 馋嘴 喵喵 哆啦A梦 带着微笑 酸 污 抱抱 比心 并不简单 阴天 微风 下雨 雪花
浪 haha 织 音乐 温暖帽子 手套 落叶 国旗 举手 点赞 强壮 钱 干杯 骷髅头 肥皂 月饼 佛系
托腮
""".split()  # noqa: SIM905 - names are easier to read without quotes
_COLON_NAMES = r" ?(?<![A-Za-z0-9:])(?::[A-Za-z][A-Za-z0-9_+-]{1,30}:)+(?![A-Za-z0-9:]) ?"


def reposts(text: str) -> str:
    """Drop what a repost carries along: `//@name:…` to the end, `回复@name:` at the start."""
    return _HEAD.sub("", _TAIL.sub("", text)) if _holds(text, "@＠") else text


def platform_tags(text: str) -> str:
    """Drop bracketed media, check-ins, and what platforms put at the end."""
    if _holds(text, "[［"):
        text = _MEDIA_TAG.sub(" ", text)
    if "我在" in text:
        text = _CHECK_IN.sub(" ", text)
    return _TAIL_TAG.sub("", text) if _TAIL_SIGN.search(text[-12:]) else text


def urls(text: str) -> str:
    """Drop web addresses: with a scheme, with `www.`, or a host with a path."""
    return _URL.sub(" ", text) if _holds(text, "/.") else text


def mentions(text: str) -> str:
    """Drop `@name`, several in a row, and a colon behind."""
    return _MENTION.sub(" ", text) if _holds(text, "@＠") else text


def hashtags(text: str) -> str:
    """Drop `#topic#`."""
    return _TOPIC.sub(" ", text) if _holds(text, "#＃") else text


def expressions(words: tuple[str, ...] = ()) -> Edit:
    """Return the rule that drops the known names and `words` in brackets, and `:names:`."""
    names = sorted({*_EXPRESSIONS, *words} - {""}, key=lambda word: (-len(word), word))
    bracketed = _BRACKETED.format("|".join(re.escape(name) for name in names))
    pattern = re.compile(f"{bracketed}|{_COLON_NAMES}")
    return lambda text: pattern.sub(" ", text) if _holds(text, "[［:") else text


def _holds(text: str, signs: str) -> bool:
    """Return whether a text holds a sign; without one a slower pattern finds nothing."""
    return any(sign in text for sign in signs)
