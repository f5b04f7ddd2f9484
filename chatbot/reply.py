"""What a chatbot answers."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # numpy is late to load, and here only a name
    from numpy import float32
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Reply:
    """Hold a reply: its text and tokens, and how it came about.

    The score is 0 for certain, and the lower the less so. `finished` is false for a reply that was
    cut at its greatest length. `source` are the tokens that were read of the text, the end mark
    last. `attention` says how much of each (columns) went into each token of the reply (rows, the
    end mark of a finished reply last); None for a model without attention. `understood` is false
    where the model was not sure of its best reply, whose score this then is: the text is what the
    bundle says instead, in one piece.
    """

    text: str
    tokens: tuple[str, ...]
    score: float
    finished: bool
    source: tuple[str, ...]
    attention: "NDArray[float32] | None" = field(compare=False, repr=False)
    understood: bool = True
