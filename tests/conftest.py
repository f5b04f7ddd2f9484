"""What holds for all tests."""

import os

# Some tests load onnxruntime without chatbot.engine, which sets this.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
