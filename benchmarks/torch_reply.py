"""Answer one text with PyTorch alone: what somebody without an export would run.

python -m benchmarks.torch_reply prepare RUN BUNDLE    writes one random model as both
python -m benchmarks.torch_reply reply RUN TEXT
"""

import sys
from pathlib import Path

from benchmarks.random_model import random_model
from chatbot.decoding import Greedy
from chatbot.text import Tokenizer
from chatbot.training.checkpoint import RunFolder, load_run
from chatbot.training.config import ModelConfig, Recipe
from chatbot.training.evaluation import generate
from chatbot.vocabulary import EOS, Vocabulary

VOCABULARY = 15_000


def prepare(run: str, bundle: str) -> None:
    # Late: a script that only answers does not load onnx.
    from chatbot.training.export import export_model  # noqa: PLC0415

    # So many Han characters; 你好 falls into two of them.
    counts = {chr(ord("一") + number): 2 for number in range(VOCABULARY - 4)}
    vocabulary = Vocabulary.learn(counts, size=VOCABULARY)
    recipe = Recipe(model=ModelConfig(dropout=0.0))
    model = random_model(recipe.model, len(vocabulary))
    folder = RunFolder(run)
    folder.create(recipe, vocabulary, "")
    folder.save_best(model, {})
    export_model(
        model,
        Tokenizer(vocabulary),
        Path(bundle),
        data=recipe.data,
        decoding=Greedy(),
        about={},
    )


def reply(run: str, text: str) -> None:
    model, _, vocabulary, _ = load_run(run)
    tokenizer = Tokenizer(vocabulary)
    ((best,),) = generate(model, [[*tokenizer.encode(text), EOS]], Greedy())
    sys.stdout.buffer.write(f"{tokenizer.decode(best.ids)}\n".encode())


if __name__ == "__main__":
    {"prepare": prepare, "reply": reply}[sys.argv[1]](*sys.argv[2:])
