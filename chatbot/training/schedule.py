"""How the learning rate and the teacher forcing change during a run.

Both depend on where the run stands alone, so a resumed run goes on as if it had never stopped.
"""

import math

from chatbot.training.config import TrainConfig


def learning_rate(config: TrainConfig, step: int, done: float, *, reduced: float = 1.0) -> float:
    """Return the learning rate of a step, counted from 1, with `done` of the run behind it.

    It rises in a straight line for `config.warmup` steps, and then stays; falls as 1 / sqrt(step)
    (Vaswani et al. 2017, section 5.3); falls along a half cosine to 0 (Loshchilov and Hutter 2017,
    eq. 5); or is `reduced` by what the evaluations said.
    """
    rising = min(1.0, step / config.warmup) if config.warmup else 1.0
    match config.schedule:
        case "inverse_sqrt":
            factor = math.sqrt(max(1, config.warmup) / max(step, config.warmup, 1))
        case "cosine":
            factor = (1 + math.cos(math.pi * min(1.0, done))) / 2
        case "plateau":
            factor = reduced
        case "constant":
            factor = 1.0
    return config.learning_rate * rising * factor


_STEEPNESS = 10.0
"""How steep the sigmoid falls: e^±5 at its ends."""


def teacher_forcing(config: TrainConfig, done: float) -> float:
    """Return the share of true previous tokens with `done` of the run behind.

    A schedule goes from `teacher_forcing` to `teacher_forcing_end` in a straight line,
    exponentially, or along a sigmoid (Bengio et al. 2015, section 2.4).
    """
    first, last = config.teacher_forcing, config.teacher_forcing_end
    done = min(1.0, done)
    match config.teacher_forcing_schedule:
        case "linear":
            left = 1 - done
        case "exponential":
            left = (math.exp(-5 * done) - math.exp(-5)) / (1 - math.exp(-5))
        case "sigmoid":
            left = 1 / (1 + math.exp(_STEEPNESS * (done - 0.5)))
        case "constant":
            left = 1.0
    return last + (first - last) * left
