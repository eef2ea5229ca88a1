"""Publishing to Dify over the bare calls, and search through Dify beside the embedded base.

    python benchmarks/dify/run.py [--documents 40] [--rounds 3] [--index-seconds 0.2] [--json]

The server is `video_rag.testing.dify` in a process of its own. Bare calls are what nobody can do
without: post the text, poll until it is indexed, set its metadata; one document after the other
for an economy dataset, four at once for a high-quality one, as ours. What is above 1.0 is ours:
looking what is there, comparing the segments, the probe, the proof, the receipts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any

import httpx2

from video_rag.knowledge.dify import rules
from video_rag.knowledge.dify.fields import KINDS, values
from video_rag.library import Library
from video_rag.operations import publishing
from video_rag.settings import load_settings

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
PAUSE = 0.05
"""Seconds between two polls; the same beginning as ours."""
MODES = {"economy": 1, "high-quality": 8}
"""mode → documents at once"""


@contextmanager
def server(index_seconds: float) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "video_rag.testing.dify", "--port", "0"]
    command += ["--index-seconds", str(index_seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


def library(home: Path, dify: dict[str, Any], mode: str, **more: Any) -> Library:
    options = {"base_url": dify["base_url"], "api_key": dify["dataset_key"], "mode": mode, **more}
    return Library(load_settings({"home": str(home), "knowledge": {"dify": options}}))


def new_dataset(lib: Library, name: str, mode: str) -> None:
    base: Any = lib.parts.knowledge("dify")
    base.make(name, mode=mode)


def bare(lib: Library, video_ids: list[str], at_once: int) -> float:
    """The calls alone; texts and metadata are made before the clock starts."""
    base: Any = lib.parts.knowledge("dify")
    body = rules.indexing(base.options, base.technique)
    jobs = []
    for video_id in video_ids:
        document, chunks = lib.passages(video_id)
        jobs += [(part, values(document)) for part in base.parts(document, chunks)]
    client = httpx2.Client(
        base_url=f"{base.options.base_url}/datasets/{base.dataset_id}",
        headers={"Authorization": f"Bearer {base.options.api_key.get_secret_value()}"},
    )
    begin = perf_counter()
    for name, kind in KINDS.items():
        client.post("/metadata", json={"name": name, "type": kind})
    fields = {row["name"]: row["id"] for row in client.get("/metadata").json()["doc_metadata"]}

    def send(job: Any) -> None:
        part, about = job
        sent = {"name": part.name, "text": part.text, **body}
        posted = client.post("/document/create-by-text", json=sent).json()
        pause = PAUSE
        while True:
            sleep(min(pause, 2.0))
            pause *= 1.5
            rows = client.get(f"/documents/{posted['batch']}/indexing-status").json()["data"]
            if rows[0]["indexing_status"] == "completed":
                break
        listed = [{"id": fields[n], "name": n, "value": v} for n, v in about.items()]
        row = {"document_id": posted["document"]["id"], "partial_update": True}
        metadata = {"operation_data": [{**row, "metadata_list": listed}]}
        client.post("/documents/metadata", json=metadata).raise_for_status()

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(send, jobs))
    seconds = perf_counter() - begin
    client.close()
    return seconds


def ours(lib: Library, video_ids: list[str]) -> float:
    begin = perf_counter()
    changes = publishing.changes(lib, "dify", video_ids, prune=False, force=False)
    faults = [o for o in lib.publishing("dify").carry_out(changes, force=False) if o.error]
    seconds = perf_counter() - begin
    if faults:
        raise SystemExit(str(faults[0]))
    return seconds


def overhead(home: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Medians of some rounds; ours and the bare calls take turns, each into a new dataset."""
    found: dict[str, Any] = {}
    with server(args.index_seconds) as dify:
        for mode, at_once in MODES.items():
            lib = library(home, dify, mode)
            video_ids = publishing.ready(lib)[: args.documents]
            times: dict[str, list[float]] = {"ours": [], "bare": []}
            for number in range(args.rounds + 1):  # the first one warms up
                new_dataset(lib, f"{mode} bare {number}", mode)
                times["bare"].append(bare(lib, video_ids, at_once))
                new_dataset(lib, f"{mode} ours {number}", mode)
                times["ours"].append(ours(lib, video_ids))
            lib.close()
            middle = {name: median(seconds[1:]) for name, seconds in times.items()}
            ratio = middle["ours"] / middle["bare"]
            found[mode] = {**middle, "ratio": ratio, "documents": len(video_ids)}
    return found


def retrieval(home: Path) -> dict[str, Any]:
    """Hit rates of the embedded base, of Dify's ten keywords, and of keywords of our own."""
    found: dict[str, Any] = {}
    with server(0.0) as dify:
        for name, keywords in (("economy", False), ("economy, own keywords", True)):
            lib = library(home, dify, "economy", keywords=keywords)
            new_dataset(lib, name, "economy")
            found[f"{name}: publishing"] = ours(lib, publishing.ready(lib))
            if not keywords:
                found["embedded"] = lib.evaluate(CORPUS / "questions.jsonl", "embedded")
            found[name] = lib.evaluate(CORPUS / "questions.jsonl", "dify")
            lib.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--index-seconds", type=float, default=0.2)
    parser.add_argument("--quick", action="store_true", help="publishing alone")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if not CORPUS.is_dir():
        raise SystemExit(f"needs {CORPUS}")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        lib = Library(load_settings({"home": str(home)}))
        list(lib.add([str(CORPUS)]))
        lib.close()
        figures = {"publishing": overhead(home, args)}
        figures["retrieval"] = {} if args.quick else retrieval(home)
    if args.json:
        print(json.dumps(figures, indent=2))
        return
    for mode, row in figures["publishing"].items():
        print(
            f"{mode}: {row['documents']} documents, ours {row['ours']:.2f} s, "
            f"bare {row['bare']:.2f} s, ratio {row['ratio']:.2f}"
        )
    for name, row in figures["retrieval"].items():
        if isinstance(row, float):
            print(f"{name} took {row:.1f} s")
            continue
        for language, score in row["by_language"].items():
            shares = " ".join(f"{key} {score[key]:.3f}" for key in ("hit@1", "hit@5", "hit@10"))
            print(f"{name}, {language}: {shares} mrr {score['mrr']:.3f}")


if __name__ == "__main__":
    main()
