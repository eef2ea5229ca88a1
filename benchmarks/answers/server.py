"""A real small language model on this machine: llama.cpp's server with Qwen2.5-Coder 1.5B.

.venv/bin/python benchmarks/answers/server.py [PORT [THREADS]]

Brings the model (1.1 GB) and the server into the cache of the tests the first time, checks both by
their sha256, and serves the OpenAI API on loopback until it is stopped. Its error output says how
many tokens each prompt had and how fast they were read.

One thread unless told otherwise. With two threads on two cores that others use, each waits for the
other at every step: 0.4 to 1 tokens a second were written, and 4 to 5 with one thread (2026-11-27).
"""

from __future__ import annotations

import hashlib
import signal
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from real_models import CACHE, QWEN_CODER, NotHad, download, fetched

SERVER = "xllamacpp==2026.10.11549"
SHA256 = "c54e7d13520ecc989c63dc99d55de3065e2f343a91f43f053d16b5e62077c261"
"""Of its wheel for Linux on x86-64, for Python 3.10 and later."""


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8190
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    try:
        model = fetched(QWEN_CODER) / QWEN_CODER.file
        engine = xllamacpp()
    except NotHad as why:
        sys.exit(f"no model: {why}")
    params = engine.CommonParams()
    params.model.path, params.hostnames, params.port = str(model), ["127.0.0.1"], port
    # four slots keep the beginnings of four prompts read: intent and answer, English and Chinese
    params.n_ctx, params.n_parallel, params.n_predict, params.warmup = 16384, 4, 512, False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    server = engine.Server(params)
    print(f"{server.listening_address}/v1", flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


def xllamacpp() -> ModuleType:
    """The server's library, taken out of its wheel: it has no dependencies. Raises `NotHad`."""
    folder = CACHE / SERVER.replace("==", "-")
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            download((SERVER,), Path(scratch), 240)
            (wheel,) = Path(scratch).glob("*.whl")
            if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
                raise NotHad("the server's sha256 is another one, or it is for another machine")
            made = Path(scratch) / "made"
            with ZipFile(wheel) as packed:
                packed.extractall(made)
            made.rename(folder)
    sys.path.insert(0, str(folder))
    import xllamacpp

    return xllamacpp


if __name__ == "__main__":
    main()
