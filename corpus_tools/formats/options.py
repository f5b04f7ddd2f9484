"""What a user says about an input, which overrules what the input shows."""

from dataclasses import dataclass, field

from corpus_tools.errors import UsageError
from corpus_tools.formats.catalogue import FORMATS, JOINT_READERS, READERS, Format
from corpus_tools.formats.encoding import is_known
from corpus_tools.formats.layout import Layout
from corpus_tools.formats.spacing import SPACINGS


@dataclass(frozen=True, slots=True)
class Options:
    """The name of a format, an encoding, columns and a spacing; what is None shows by itself."""

    format_name: str | None = None
    encoding: str | None = None
    layout: Layout = field(default_factory=Layout)
    spacing: str | None = None

    def __post_init__(self) -> None:
        _check("format", self.format_name, FORMATS)
        _check("spacing", self.spacing, SPACINGS)
        if self.encoding is not None and not is_known(self.encoding):
            raise UsageError(
                f"unknown encoding {self.encoding!r}. Try utf-8, gb18030, big5 or utf-16."
            )
        if self.format_name is None and self.layout.delimiter is not None:
            object.__setattr__(self, "format_name", "delimited")
        if self.layout and self.format_name and not self.takes_layout(self.format_name):
            raise UsageError(
                f"the format {self.format_name!r} has no columns. These have: "
                f"{', '.join(each.name for each in self.formats)}."
            )

    @property
    def formats(self) -> list[Format]:
        """The formats that the input may have."""
        known = READERS.values()
        return [each for each in known if each.takes_layout] if self.layout else [*known]

    @property
    def is_joint(self) -> bool:
        """Whether two files make one input."""
        return self.format_name in JOINT_READERS

    def takes_layout(self, format_name: str) -> bool:
        """Tell whether columns mean something in a format."""
        return format_name in READERS and READERS[format_name].takes_layout

    def __str__(self) -> str:
        spacing = f"spacing {self.spacing}" if self.spacing else ""
        return " ".join(filter(None, (str(self.layout), spacing)))


def _check(what: str, name: str | None, known: tuple[str, ...]) -> None:
    if name is not None and name not in known:
        raise UsageError(f"unknown {what} {name!r}; known {what}s: {', '.join(known)}")
