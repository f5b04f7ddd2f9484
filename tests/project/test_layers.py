"""What must not be loaded, is not."""

import subprocess
import sys


def test_the_trainer_reads_the_store_without_the_corpus_tools() -> None:
    left_out = {"corpus_tools", "sqlalchemy", "jieba"}
    code = f"import sys, chatbot.training.trainer; print({left_out} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
