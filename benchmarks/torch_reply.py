"""Answer one text with PyTorch alone: what somebody without an export would run.

python -m benchmarks.torch_reply prepare RUN BUNDLES    writes one random model as all
python -m benchmarks.torch_reply reply RUN TEXT
"""

import sys
from pathlib import Path

from chatbot.decoding import Greedy
from chatbot.text import Tokenizer
from chatbot.training.checkpoint import RunFolder, load_run
from chatbot.training.config import ModelConfig, Recipe
from chatbot.training.evaluation import generate
from chatbot.vocabulary import EOS

VOCABULARY = 15_000


def prepare(run: str, bundles: str) -> None:
    """Write a run folder, and a bundle for each kind of weights: BUNDLES/int8, BUNDLES/fp32."""
    # Late: a script that only answers loads none of it.
    from benchmarks.random_model import random_model  # noqa: PLC0415
    from benchmarks.words import vocabulary  # noqa: PLC0415
    from chatbot.training.export import Form, export_model  # noqa: PLC0415

    words = vocabulary(VOCABULARY)
    recipe = Recipe(model=ModelConfig(dropout=0.0))
    model = random_model(recipe.model, len(words))
    folder = RunFolder(run)
    folder.create(recipe, words, "")
    folder.save_best(model, {})
    for form in (Form("int8"), Form("fp32")):
        export_model(
            model,
            Tokenizer(words),
            Path(bundles) / form.storage,
            data=recipe.data,
            decoding=Greedy(),
            form=form,
            about={},
        )


def reply(run: str, text: str) -> None:
    model, _, vocabulary, _ = load_run(run)
    tokenizer = Tokenizer(vocabulary)
    ((best,),) = generate(model, [[*tokenizer.encode(text), EOS]], Greedy())
    sys.stdout.buffer.write(f"{tokenizer.decode(best.ids)}\n".encode())


if __name__ == "__main__":
    {"prepare": prepare, "reply": reply}[sys.argv[1]](*sys.argv[2:])
