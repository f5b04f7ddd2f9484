"""Other ways to type a question: particles, synonyms, politeness, typos, punctuation, traditional.

Every change keeps what is asked. Which ones are made is drawn from a generator that is handed in,
so the same seed gives the same variants.
"""

import re
from collections.abc import Callable, Sequence
from random import Random

from opencc import OpenCC

Change = Callable[[str, Random], str]

_END = "。！？!?~～…,.，、 "
_MARKS = ("", "", "。", "？", "！", "…", "～", "?", "!", "！！", "？？", "...")
_PARTICLES = "呀啊吧呢嘛哦哈啦诶喔哇"
_ASKING = "吗么嘛不"

_BEFORE = (
    *("请问", "问一下", "我想问", "想问问", "那个", "话说", "对了", "诶", "哎", "嗯", "那"),
    *("小言", "小言，", "小言啊，", "喂，", "你好，", "就是", "其实", "说真的", "哎呀", "跟你说"),
)
_BEHIND = ("小言", "，小言", "哈", "呗", "可以吗", "谢谢", "呢小言", "啊小言", "哈哈", "呜呜", "唉")

# What may stand for one another anywhere; a longer one is looked for first.
_SYNONYMS = (
    ("怎么办", "咋办", "该怎么办", "咋整", "怎么弄"),
    ("怎么样", "咋样", "如何"),
    ("为什么", "为啥", "怎么", "干嘛"),
    ("什么", "啥", "什麽"),
    ("怎么", "咋", "如何"),
    ("哪里", "哪儿", "哪", "什么地方"),
    ("这里", "这儿"),
    ("那里", "那儿"),
    ("多少", "几"),
    ("有没有", "有"),
    ("能不能", "可以", "可不可以", "能"),
    ("可以", "能"),
    ("知不知道", "知道", "晓得"),
    ("是不是", "是"),
    ("会不会", "会"),
    ("没有", "没"),
    ("告诉我", "跟我说", "说说"),
    ("给我", "帮我"),
    ("讲", "说"),
    ("特别", "非常", "很", "好", "超", "超级", "真", "太"),
    ("有点", "有点儿", "有些"),
    ("一点", "一点儿", "点"),
    ("觉得", "感觉"),
    ("喜欢", "爱", "中意"),
    ("今天", "今儿", "今日"),
    ("明天", "明儿"),
    ("现在", "这会儿", "目前"),
    ("最近", "近来", "这阵子"),
    ("经常", "老是", "总是", "老"),
    ("一直", "老", "总"),
    ("不想", "不愿意", "懒得"),
    ("妈妈", "妈", "我妈"),
    ("爸爸", "爸", "我爸"),
    ("朋友", "盆友"),
    ("东西", "玩意儿"),
    ("的时候", "时"),
    ("吗", "么", "嘛", "不", "没"),
    ("了", "啦", "咯"),
    ("你", "您", "妳"),
    ("我们", "咱们", "咱"),
    ("自己", "自个儿"),
    ("推荐", "介绍"),
    ("一个", "个"),
    ("这个", "这"),
    ("那个", "那"),
)
_ALONE = "吗了你"  # the only single characters that are looked for
_GROUPS_OF = {word: ways for ways in _SYNONYMS for word in ways if len(word) > 1 or word in _ALONE}
_SYNONYM = re.compile("|".join(sorted(_GROUPS_OF, key=lambda word: (-len(word), word))))

# What the input method offers first, or the finger hits.
_TYPOS = (
    *("的得地", "在再", "那哪", "他她它", "做作", "已以", "像象", "座坐", "带戴", "吗妈嘛", "呢呐"),
    *("吧把巴", "呀丫", "么没", "很狠", "想相", "好号", "心新", "觉决", "几己", "候后", "没每"),
    *("要药", "事是", "知只", "道到", "真针", "和合", "买卖", "多都", "长常", "气汽", "会回"),
    *("你妳", "该改", "让嚷", "完玩", "工公", "有又", "见间", "因应", "喜洗", "欢换", "听停"),
)
_HOMOPHONES = {
    character: [other for group in _TYPOS for other in group if character in group]
    for character in "".join(_TYPOS)
}

# What can go without a loss.
_LIGHT = re.compile(
    "一下|一个|真的|有点儿?|感觉|觉得|请问|今天|最近|现在|到底|这个|那个|给我|帮我|我想|我要|"
    "小言|[我你的了就都也还又很好太真能会要想啊呀呢吧吗，。？！ ]"
)

_TRADITIONAL = OpenCC("s2t")


def variant(question: str, random: Random) -> str:
    """Return the question as another person might type it; now and then as it is."""
    changes = random.choices(_CHANGES, _WEIGHTS, k=random.choice((0, 1, 1, 2, 2, 3)))
    varied = question
    for change in dict.fromkeys(changes):
        varied = change(varied, random) or varied
    return varied


def _particle(text: str, random: Random) -> str:
    bare = text.rstrip(_END)
    if bare[-1:] in _ASKING and len(bare) > 2:
        return bare[:-1] + random.choice(("吗", "么", "嘛", "不", "吗？", ""))
    if bare[-1:] in _PARTICLES and len(bare) > 2:
        return bare[:-1] + random.choice(f" {_PARTICLES}").strip()
    return bare + random.choice(_PARTICLES)


def _punctuation(text: str, random: Random) -> str:
    bare = text.rstrip(_END) or text
    if random.random() < 0.3:
        bare = re.sub("[，。、 ]", random.choice(("", " ", "，")), bare)
    return bare + random.choice(_MARKS)


def _politeness(text: str, random: Random) -> str:
    if random.random() < 0.65:
        return random.choice(_BEFORE) + text
    return text.rstrip(_END) + random.choice(_BEHIND)


def _synonym(text: str, random: Random) -> str:
    found = list(_SYNONYM.finditer(text))
    if not found:
        return text
    word = random.choice(found)
    other = random.choice(_GROUPS_OF[word[0]])
    return text[: word.start()] + other + text[word.end() :]


def _typo(text: str, random: Random) -> str:
    if len(text) < 3:
        return text
    place = random.randrange(len(text))
    kind = random.random()
    if kind < 0.5:
        places = [at for at, character in enumerate(text) if character in _HOMOPHONES]
        if not places:
            return text
        place = random.choice(places)
        return text[:place] + random.choice(_HOMOPHONES[text[place]]) + text[place + 1 :]
    if kind < 0.7:  # typed twice
        return text[:place] + text[place] + text[place:]
    if kind < 0.85 and len(text) > 5:  # left out
        return text[:place] + text[place + 1 :]
    place = random.randrange(len(text) - 1)  # in the wrong order
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def _shorter(text: str, random: Random) -> str:
    """Leave out one or two light words, unless little would be left."""
    for _ in range(random.choice((1, 1, 2))):
        found = list(_LIGHT.finditer(text))
        if not found:
            break
        word = random.choice(found)
        rest = text[: word.start()] + text[word.end() :]
        if len(rest) < max(2, len(text) / 2):
            break
        text = rest
    return text


def _traditional(text: str, random: Random) -> str:  # noqa: ARG001 - a change like the others
    return str(_TRADITIONAL.convert(text))


_WEIGHED: Sequence[tuple[Change, int]] = (
    (_particle, 6),
    (_punctuation, 6),
    (_politeness, 4),
    (_synonym, 8),
    (_shorter, 6),
    (_typo, 4),
    (_traditional, 1),
)
_CHANGES, _WEIGHTS = zip(*_WEIGHED, strict=True)
