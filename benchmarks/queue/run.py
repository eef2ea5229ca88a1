"""Jobs a second of four processes that share a ledger, over those that share a bare table.

Bare: one table in SQLite, a job is taken by `update … returning` with a lease and closed by another
update. Ours: `Agenda.take`, then a commit with the judgement of what follows, which also gives the
claim back. Both do two milliseconds at most of nothing per job (a random pause, as in the spike
that this is held against), WAL, `synchronous = normal`; rounds alternate; medians.

    .venv/bin/python benchmarks/queue/run.py [--jobs 3000] [--processes 4] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing as mp
import random
import sqlite3
import statistics
import tempfile
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

from video_rag.stores import Result, owner
from video_rag.stores.agenda import Judged, Step, Verdict
from video_rag.stores.sql import Sql

PAUSE = 0.002
LEASE = """
update job set state = 'running', worker = ?, lease = unixepoch('now') + 30, attempt = attempt + 1
where id = (select id from job where (state = 'queued' and run_at <= unixepoch('now'))
  or (state = 'running' and lease < unixepoch('now')) order by prio desc, id limit 1)
returning id
"""


def bare(path: Path, worker: int, begin: Barrier, done: mp.Queue[tuple[int, float]]) -> None:
    db = sqlite3.connect(path, isolation_level=None, timeout=30)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = normal")
    begin.wait()
    many = 0
    while row := db.execute(LEASE, (str(worker),)).fetchone():
        close = "update job set state = 'done' where id = ? and worker = ?"
        db.execute(close, (row[0], str(worker)))
        many += 1
        time.sleep(random.random() * PAUSE)
    done.put((many, time.time()))


def ours(path: Path, _worker: int, begin: Barrier, done: mp.Queue[tuple[int, float]]) -> None:
    ledger = Sql(path)
    who, ready = owner.me(), Judged("p", "ready", (), "t", "u")
    begin.wait()
    many = 0
    while job := ledger.agenda.take(None, who, 60):
        made = {"media": Result("m", "k")}
        assert ledger.commit(job.video_id, job.stage, made, who, Verdict(1, ready))
        many += 1
        time.sleep(random.random() * PAUSE)
    done.put((many, time.time()))
    ledger.close()


def fill_bare(path: Path, jobs: int) -> None:
    db = sqlite3.connect(path)
    db.execute("pragma journal_mode = wal")
    db.executescript(
        "create table job (id integer primary key, payload text, state text default 'queued', "
        "prio int default 0, run_at int default 0, lease int, worker text, attempt int default 0);"
        "create index j on job (state, prio desc, id)"
    )
    db.executemany("insert into job (payload) values (?)", [(str(n),) for n in range(jobs)])
    db.commit()
    db.close()


def fill_ours(path: Path, jobs: int) -> None:
    ledger = Sql(path)
    waiting = Judged("p", "queued", (Step("fetch", "net"),), "t", "u")
    for number in range(jobs):
        given = {"video": Result("d", "", "{}")}
        ledger.commit(f"v:{number}", "give", given, verdict=Verdict(0, waiting))
    ledger.close()


def rate(kind: str, jobs: int, processes: int) -> float:
    """Jobs a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "library.db"
        {"bare": fill_bare, "ours": fill_ours}[kind](path, jobs)
        spawn = mp.get_context("spawn")
        begin, done = spawn.Barrier(processes + 1), spawn.Queue()
        work = {"bare": bare, "ours": ours}[kind]
        workers = [
            spawn.Process(target=work, args=(path, n, begin, done)) for n in range(processes)
        ]
        for worker in workers:
            worker.start()
        begin.wait()
        begun = time.time()
        found = [done.get() for _ in workers]
        for worker in workers:
            worker.join()
    assert sum(many for many, _ in found) == jobs, "a job was done twice, or not at all"
    return jobs / (max(end for _, end in found) - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    rates: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(given.rounds):
        for kind, found in rates.items():
            found.append(rate(kind, given.jobs, given.processes))
            print(f"{kind}: {found[-1]:.0f} jobs/s", flush=True)
    medians = {kind: round(statistics.median(found)) for kind, found in rates.items()}
    print(json.dumps({**medians, "ratio": round(medians["ours"] / medians["bare"], 2)}))


if __name__ == "__main__":
    main()
