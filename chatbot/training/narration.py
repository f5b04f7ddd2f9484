"""What a run tells, as lines for a person."""

from collections.abc import Iterator

from chatbot.training.events import Ended, Evaluated, Event, Running, Started


def narrate(event: Event) -> Iterator[str]:
    """Yield the lines that tell of an event."""
    match event:
        case Started():
            yield from _started(event)
        case Running():
            yield (
                f"epoch {event.epoch:6.2f}  step {event.step:6d}  loss {event.loss:.3f}  "
                f"ppl {event.perplexity:6.1f}  {event.tokens_per_second:5.0f} tokens/s  "
                f"left {_clock(event.seconds_left)}"
            )
        case Evaluated():
            found, best = event.validation, "  (best so far)" if event.best else ""
            yield (
                f"epoch {event.epoch:6.2f}  step {event.step:6d}  "
                f"evaluated: loss {found.loss:.3f}  ppl {found.perplexity:6.1f}{best}"
            )
            for sample in event.samples:
                yield f"    {sample.prompt}  →  {sample.said}    [{sample.reply}]"
        case Ended():
            yield _ENDS.get(event.reason, event.reason)


_ENDS = {
    "epochs": "The epochs of the recipe are over.",
    "minutes": "The minutes of the recipe are over.",
    "patience": "No better for as many evaluations as train.patience says.",
    "interrupted": "Stopped; a checkpoint of this very step is kept.",
}


def _started(event: Started) -> Iterator[str]:
    yield (
        f"{event.pairs:,} pairs to train on, {event.held_out:,} held out; "
        f"vocabulary {event.vocabulary:,}; {event.parameters:,} parameters; {event.device}"
        f"{f', {event.processes} processes' if event.processes > 1 else ''}."
    )
    if event.vectors:
        yield f"{event.vectors:,} tokens start from their word vectors."
    if not event.held_out:
        yield "Nothing is held out: the figures below are of the training pairs themselves."
    if event.left_out:
        yield f"{event.left_out:,} pairs left out: their replies are longer than data.max_reply."
    if event.step:
        yield f"Going on at step {event.step:,}."


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
