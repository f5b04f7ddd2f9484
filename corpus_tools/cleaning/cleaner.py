"""The cleaner: a profile made into something that can be called for every turn."""

import re
import sys
from collections.abc import Callable, Iterator
from functools import partial

from corpus_tools.cleaning import characters, platforms
from corpus_tools.cleaning.characters import CONTROLS, EMOJI, SPACES, Edit
from corpus_tools.cleaning.pairs import filters
from corpus_tools.cleaning.private import finder, masker
from corpus_tools.cleaning.profile import Profile

MOST_PASSES = 20
"""Rules run again until nothing changes; what needs more passes was written to need them."""

SHORT = 24
"""Characters up to which counting the different ones is the quickest look for a repetition."""

Step = tuple[Callable[[str], object] | None, list[Edit]]

_TAILS = tuple(tail + mark for tail in platforms.TAILS for mark in ("", "。"))
_TAIL_ENDS = frozenset(tail[-2:] for tail in _TAILS)
_LOOKED_AT = "@＠#＃[［【:：."
_MARKED = re.compile(rf"[{re.escape(_LOOKED_AT)}]|(?:{'|'.join(platforms.TAILS)})。?\s?$").search
_NUMBERED = re.compile("[0-9０-９@＠]").search
_GUARDS = {
    # One look instead of six rules for what holds none of their characters.
    **dict.fromkeys(
        ["reposts", "platform_tags", "urls", "mentions", "hashtags", "expressions"], _MARKED
    ),
    "mask_private": _NUMBERED,
}
_MARKS = "，。？！、；：…“”‘’《》～—"
_PLAIN_SIDE = re.compile(
    # What holds Han, and otherwise only what no filter looks at.
    f"[{_MARKS}]*+[\u4e00-\u9fff][\u4e00-\u9fff{_MARKS}0-9]*+"
).fullmatch


class Cleaner:
    """Clean turns and judge pairs by a profile.

    Most turns are plain: they hold nothing that any rule looks at. One quick test says so; the
    result is what all rules together give.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._steps = _steps(profile)
        self._filters = tuple(filters(profile))
        self._holds_nothing = _holds_nothing(profile)
        self._may_repeat = _repetition_guard(profile)
        self._is_trimmed = profile.squeeze_spaces.on and profile.strip.on
        self._longest = _longest_plain(profile)

    def clean(self, raw: str) -> str:
        """Return `raw` after all rules that are on."""
        if self._is_plain(raw):
            return raw
        text = " ".join(raw.split()) if self._is_trimmed else raw
        for _ in range(MOST_PASSES):
            if self._is_plain(text):
                break
            before = text
            text = self._run_once(text)
            if text == before:
                break
        return text

    def refusal(self, prompt: str, reply: str) -> str | None:
        """Return the id of the first filter that refuses the normalised pair, or None."""
        longest = self._longest
        if (
            len(prompt) <= longest
            and len(reply) <= longest
            and prompt != reply
            and _PLAIN_SIDE(reply)
            and _PLAIN_SIDE(prompt)
        ):
            return None
        return self.run_filters(prompt, reply)

    def run_filters(self, prompt: str, reply: str) -> str | None:
        """Return what `refusal` returns, by asking every filter."""
        for name, refuses in self._filters:
            if refuses(prompt, reply):
                return name
        return None

    def _run_once(self, text: str) -> str:
        for guard, edits in self._steps:
            if guard is None or guard(text):
                for edit in edits:
                    text = edit(text)
        return text

    def _is_plain(self, text: str) -> bool:
        return bool(
            self._holds_nothing(text)
            and not (text[-2:] in _TAIL_ENDS and text.endswith(_TAILS))
            and not self._may_repeat(text)
        )


def text_rules(profile: Profile) -> Iterator[tuple[str, Edit]]:
    """Yield the text rules that are on, with their ids, in order."""
    makers: dict[str, Callable[[], Edit | None]] = {
        "drop_controls": lambda: characters.drop_controls,
        "squeeze_spaces": lambda: characters.squeeze_spaces,
        "join_spaced": lambda: characters.join_spaced,
        "reposts": lambda: platforms.reposts,
        "platform_tags": lambda: platforms.platform_tags,
        "urls": lambda: platforms.urls,
        "mentions": lambda: platforms.mentions,
        "hashtags": lambda: platforms.hashtags,
        "expressions": partial(platforms.expressions, profile.expressions.words),
        "emoji": lambda: characters.emoji,
        "mask_private": partial(masker, profile.private),
        "squeeze_repeats": partial(characters.repeats, profile.squeeze_repeats),
        "squeeze_phrases": partial(characters.phrases, profile.squeeze_phrases),
        "simplify": characters.simplified,
        "strip": lambda: characters.strip,
    }
    for name, make in makers.items():
        edit = make() if getattr(profile, name).on else None
        if edit:
            yield name, edit


def _steps(profile: Profile) -> list[Step]:
    """Return the rules that are on, in order; neighbours with the same guard stand together."""
    steps: list[Step] = []
    for name, edit in text_rules(profile):
        guard = _GUARDS.get(name)
        if steps and steps[-1][0] is guard:
            steps[-1][1].append(edit)
        else:
            steps.append((guard, [edit]))
    return steps


def _holds_nothing(profile: Profile) -> Callable[[str], object]:
    """Return the test whether a text holds no character that a rule looks at.

    Spaces are single ones inside, and the first word is of two characters and more, so that no
    rule takes the text for one with a space around every Han.
    """
    if profile.simplify.on:
        return lambda _: False
    other = (
        f"[^{CONTROLS}{SPACES}0-9０-９{re.escape(_LOOKED_AT)}{EMOJI if profile.emoji.on else ''}]"
    )
    return re.compile(f"{other}++|[\u4e00-\u9fff]{other}++(?: {other}++)+").fullmatch


def _repetition_guard(profile: Profile) -> Callable[[str], bool]:
    """Return a quick test that is true of what `squeeze_repeats` or `squeeze_phrases` shorten."""
    one, many = profile.squeeze_repeats, profile.squeeze_phrases
    if not (one.on or many.on):
        return lambda _: False
    # A run of most + 1 leaves `most` characters over when equal ones are counted once.
    least = min(one.most if one.on else sys.maxsize, 2 * many.most if many.on else sys.maxsize)
    run = re.compile(rf"(.)\1{{{one.most}}}", re.DOTALL).search if one.on else None
    phrase = characters.phrase_finder(many) if many.on else None

    def may_repeat(text: str) -> bool:
        if len(text) <= SHORT and len(text) - len(set(text)) < least:
            return False
        return bool((run and run(text)) or (phrase and phrase(text)))

    return may_repeat


def _longest_plain(profile: Profile) -> int:
    """Return how long a text may be that no filter looks at; negative if they look at all."""
    looks_closer = (
        profile.too_short.on
        or (profile.echo.on and profile.echo.share < 1)
        or (profile.private.on and finder(profile.private))
        or (profile.word_list.on and profile.word_list.words)
    )
    if looks_closer:
        return -1
    too_long = profile.too_long
    return min(too_long.prompt, too_long.reply) if too_long.on else sys.maxsize
