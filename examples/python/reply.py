"""Answer each text, or each line of stdin: python3 reply.py FOLDER [TEXT]...

Text in, reply out with onnxruntime and numpy alone; the package duihua is not needed.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

# onnxruntime would write a device id into the home directory and report to its maker. Who wants
# that sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime as ort

GREEDY = {
    "max_len": 30,
    "min_len": 1,
    "beam_size": 1,
    "length_penalty": 0.0,
    "temperature": 0.0,
    "top_k": 0,
    "top_p": 1.0,
    "seed": 0,
    "no_repeat_ngram": 0,
    "repetition_penalty": 1.0,
}
BEAM = GREEDY | {"beam_size": 4, "length_penalty": 0.6}
SAMPLE = GREEDY | {"temperature": 0.8, "top_k": 40, "top_p": 0.95}  # and a new seed every time


def inputs(text: str, settings: dict[str, float]) -> dict[str, np.ndarray]:
    """Return what the graph takes: a whole number as int64, any other as float32."""
    types = {name: np.int64 if isinstance(GREEDY[name], int) else np.float32 for name in GREEDY}
    scalars = {name: np.array(value, types[name]) for name, value in settings.items()}
    # Half a surrogate pair is no text: it becomes U+FFFD.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return {"text": np.array([text], dtype=object), **scalars}


def reply(
    session: ort.InferenceSession,
    text: str,
    settings: dict[str, float],
    fallback: dict[str, Any] | None,
) -> str:
    """Return the best reply, or what the bundle says instead where the model is not sure of it."""
    outputs = session.run(["reply", "scores", "lengths"], inputs(text, settings))
    best, score, length = (output[0] for output in outputs)
    log_probability = score * ((5 + length) / 6) ** settings["length_penalty"]
    if fallback and not settings["temperature"]:
        below, replies = fallback["below"], fallback["replies"]
        if log_probability < below or best in replies:
            return replies[len(text) % len(replies)]
    return best


def main(folder: str, *texts: str) -> None:
    graph = Path(folder, "text.onnx")
    if not graph.is_file():
        sys.exit(f"Error: {folder}: no text.onnx. A bundle of format 2 has one.")
    session = ort.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    manifest = Path(folder, "manifest.json")
    values = json.loads(manifest.read_text("utf-8")) if manifest.is_file() else {}
    for text in texts or (line.rstrip("\n") for line in sys.stdin):
        print(reply(session, text, GREEDY, values.get("fallback")))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(f"Usage: {sys.argv[0]} FOLDER [TEXT]...")
    main(*sys.argv[1:])
