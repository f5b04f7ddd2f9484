"""Serve the chat page, a bundle and onnxruntime's wasm files: python3 serve.py [BUNDLE]

Python's standard library is enough. The headers are those that a real server should send too: the
page may load nothing from anywhere else, and it is isolated, so that wasm may use threads.
"""

import argparse
import sys
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGE = Path(__file__).resolve().parent
ONNXRUNTIME = PAGE / "node_modules" / "onnxruntime-web" / "dist"
SHIPPED = PAGE.parents[1] / "exports" / "xiaoyan"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
        "connect-src 'self'; worker-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # ask again every time, load again only what has changed
}

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".jsonl": "application/jsonl; charset=utf-8",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
}
"""What is served, and as what."""


class Handler(SimpleHTTPRequestHandler):
    """Serve the files of three folders, and no other."""

    extensions_map = TYPES

    def __init__(self, *arguments, bundle: Path, **options) -> None:
        self.folders = {"": PAGE, "bundle": bundle, "ort": ONNXRUNTIME}
        super().__init__(*arguments, **options)

    def translate_path(self, path: str) -> str:
        folder, _, name = path.partition("?")[0].lstrip("/").rpartition("/")
        file = self.folders.get(folder, PAGE) / (name or "index.html")
        served = folder in self.folders and file.suffix in TYPES
        return str(file if served else PAGE / "no such file")

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *arguments) -> None:
        """Print no line a request."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the chat page with a bundle.")
    parser.add_argument("bundle", type=Path, nargs="?", default=SHIPPED, metavar="BUNDLE")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    options = parser.parse_args()
    if not ONNXRUNTIME.is_dir():
        sys.exit(f"Error: {ONNXRUNTIME} is missing. Run 'npm ci' in {PAGE} first.")
    if not (options.bundle / "text.onnx").is_file():
        sys.exit(f"Error: {options.bundle}: no text.onnx. A bundle of format 2 has one.")
    handler = partial(Handler, bundle=options.bundle.resolve())
    with ThreadingHTTPServer(("127.0.0.1", options.port), handler) as server:
        print(f"http://localhost:{server.server_port}/", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
