"""What a page says, in one language or another."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the page: its tag, and what a string is called in it; English as it stands."""

    tag: str
    strings: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, text: str, **values: object) -> str:
        """Return `text` in this language, with `values` put in."""
        return self.strings.get(text, text).format(**values)


ENGLISH = Language("en")


def prefers_chinese(environment: Mapping[str, str]) -> bool:
    """Return whether the locale of an environment asks for Chinese."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return locale.lower().startswith("zh")
