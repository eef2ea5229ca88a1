"""`python -m video_rag.testing.dify`: a test Dify by itself, for other processes and by hand.

It prints one line of JSON with its addresses and keys, and runs until it is interrupted.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from threading import Event

from video_rag.testing.dify.faults import Faults
from video_rag.testing.dify.server import DifyServer


def main() -> None:
    """Run a server as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m video_rag.testing.dify", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--index-seconds", type=float, default=0.02)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--fault-rate", type=float, default=0.0, help="share of answers, 0 to 1")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    ended = Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: ended.set())
    dify = DifyServer(
        index_seconds=asked.index_seconds,
        workers=asked.workers,
        faults=Faults(rate=asked.fault_rate, seed=asked.seed),
        port=asked.port,
        seed=asked.seed,
    )
    with dify:
        names = ("base_url", "console_url", "dataset_key", "email", "password", "admin_key")
        told = {name: getattr(dify, name) for name in (*names, "workspace_id")}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        ended.wait()


if __name__ == "__main__":
    main()
