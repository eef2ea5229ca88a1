"""The chaos run: `make chaos`, ten minutes at most; `SECONDS=120 VIDEOS=40` make a smaller one.

Four workers on three hosts (network namespaces; two have one host name) work on lectures that come
in little by little. Every five seconds one of them is killed (-9), or a process of it; RabbitMQ is
restarted twice, PostgreSQL once, the bucket is away for 20 s, a host is cut off for 30 s, and every
message is sent up to three times. Then the bases are asked what they have. The last line is a JSON
object; the exit code is 1 when anything in it is not as it must be.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from chaos import network
from chaos.network import Bridge, Host
from chaos.world import World, install_s3rver, video_rag
from video_rag.errors import VideoRagError
from video_rag.library import Library
from video_rag.model import Job
from video_rag.settings import load_settings

VIDEOS = int(os.environ.get("VIDEOS", "200"))
SECONDS = float(os.environ.get("SECONDS", "320"))
"""How long there are faults; then it has time to come to rest."""
REST_SECONDS = float(os.environ.get("REST", "240"))
KILL_EVERY = 5.0
KILLS = int(60 * min(1.0, SECONDS / 320))
BATCHES = 10
SAID = "1\n00:00:01,000 --> 00:00:06,000\nLecture {n} is about the number {n}.\n\n2\n00:00:07,000 "
SAID += "--> 00:00:12,000\nNobody has said {n} before, and nobody says it again.\n"


@dataclass
class Worker:
    """A worker that is started again whenever it ended."""

    host: Host
    lanes: str
    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    deaths: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        command = video_rag("worker", "--lanes", self.lanes, "--concurrency", "1")
        self.process = self.host.start(command, self.env, self.log)

    def kill(self, choose: random.Random) -> bool:
        """End the whole worker, or one process of it, without a warning."""
        if self.process is None:
            return False
        below = network.children(self.process.pid)
        if not below:
            return False
        whole = len(below) == 1 or choose.random() < 0.5
        done = network.kill(below[0] if whole else choose.choice(below[1:]))
        self.deaths["worker" if whole else "child"] += done
        return done

    def look(self) -> None:
        if self.process is not None and self.process.poll() is not None:
            self.start()

    def end(self) -> None:
        if self.process is not None:
            for pid in [*network.children(self.process.pid), self.process.pid]:
                network.kill(pid)
            self.process.wait()


class Chaos:
    """One run."""

    def __init__(self, world: World, hosts: list[Host], seed: int) -> None:
        self.world, self.hosts = world, hosts
        self.choose = random.Random(seed)
        self.kills = 0
        self._sent_again: set[Job] = set()
        self.stopping = threading.Event()
        self.home = hosts[0]
        self.envs = {host.space: world.env(host.folder / "home", host.name) for host in hosts}
        lanes = ("net,cpu,gpu", "cpu,gpu", "net,cpu,gpu", "net,cpu,gpu")
        places = (hosts[0], hosts[1], hosts[1], hosts[2])
        self.workers = [
            Worker(host, lane, self.envs[host.space], host.folder / f"worker-{number}.log")
            for number, (host, lane) in enumerate(zip(places, lanes, strict=True))
        ]

    def say(self, what: str) -> None:
        print(f"{time.monotonic() - self.began:6.1f} s  {what}", flush=True)

    def run(self) -> dict[str, object]:
        self.began = time.monotonic()
        self._tick("requests", "list")  # makes the ledger's tables
        self.world.begin_audit()
        for worker in self.workers:
            worker.start()
        threads = [
            threading.Thread(target=self._every, args=(seconds, what), daemon=True)
            for seconds, what in (
                (0.5, self._restart),
                (KILL_EVERY, self._kill),
                (8.0, lambda: self._tick("tick")),
                (3.0, self._again),
                (SECONDS / (BATCHES + 1), self._add),
            )
        ]
        for thread in threads:
            thread.start()
        self._faults()
        self.say("no more faults; waiting for it to come to rest")
        self._rest()
        seconds = time.monotonic() - self.began
        self.stopping.set()
        for thread in threads:
            thread.join(90)
        for worker in self.workers:
            worker.end()
        return self._found(seconds)

    def _every(self, seconds: float, what: Callable[[], object]) -> None:
        while not self.stopping.wait(seconds):
            with suppress(VideoRagError):
                what()

    def _restart(self) -> None:
        for worker in self.workers:
            worker.look()

    def _kill(self) -> None:
        workers = self.choose.sample(self.workers, len(self.workers))
        if time.monotonic() - self.began < SECONDS:
            self.kills += any(worker.kill(self.choose) for worker in workers)

    def _tick(self, *command: str) -> None:
        """A command at home, as its clock calls it; it may meet a server that is away."""
        env = self.envs[self.home.space]
        process = self.home.start(video_rag(*command), env, self.home.folder / "tick.log")
        with suppress(subprocess.TimeoutExpired):
            process.wait(120)
        network.kill(process.pid)

    _added = 0

    def _add(self) -> None:
        """Some lectures more, by hand at home."""
        if self._added >= VIDEOS:
            return
        folder = self.home.folder / "lectures"
        folder.mkdir(exist_ok=True)
        for number in range(self._added, min(VIDEOS, self._added + -(-VIDEOS // BATCHES))):
            (folder / f"lecture {number:03}.srt").write_text(SAID.format(n=number))
            self._added = number + 1
        self._tick("add", str(folder))
        self.say(f"{self._added} lectures were given")

    def _again(self) -> None:
        """Send what waits once or twice more than anybody did, each job once in this way."""
        if time.monotonic() - self.began > SECONDS:
            return
        env = self.envs[self.home.space]
        library = Library(load_settings({"home": str(self.world.folder / "harness")}, env=env))
        try:
            for job, route, is_urgent in library.ledger.agenda.to_send(1000, 1e12):
                for _ in range(0 if job in self._sent_again else self.choose.choice((1, 2))):
                    library.queue.submit(job, route, is_urgent=is_urgent)
                self._sent_again.add(job)
        finally:
            library.close()

    def _faults(self) -> None:
        """What happens to the servers and the network, one after the other."""
        third = SECONDS / 8
        for what in (self._broker, self._bucket, self._postgres, self._cut, self._broker):
            time.sleep(third)
            what()
        time.sleep(max(0.0, SECONDS - (time.monotonic() - self.began)))

    def _broker(self) -> None:
        self.say("RabbitMQ is restarted")
        self.world.broker.restart()

    def _bucket(self) -> None:
        self.say("the bucket is away for 20 s")
        self.world.bucket.stop()
        time.sleep(20)
        self.world.bucket.start()

    def _postgres(self) -> None:
        self.say("PostgreSQL is restarted")
        self.world.postgres.stop("immediate")
        self.world.postgres.start()

    def _cut(self) -> None:
        self.say(f"{self.hosts[2].space} is cut off for 30 s")
        self.hosts[2].cut()
        time.sleep(30)
        self.hosts[2].heal()

    def _rest(self) -> None:
        until = time.monotonic() + REST_SECONDS
        while time.monotonic() < until:
            if self._added >= VIDEOS:
                ready = self.world.asked("select count(*) from videos where state = 'ready'")
                if ready[0][0] == VIDEOS:
                    return
            time.sleep(2)

    def _found(self, seconds: float) -> dict[str, object]:
        """What is there at the end, by the ledger and by asking the bases."""
        env = self.envs[self.home.space]
        library = Library(load_settings(env=env))
        states = Counter({str(k): n for k, n in library.ledger.agenda.states().items()})
        documents, duplicates = {}, 0
        for base in ("embedded", "dify"):
            held = library.parts.knowledge(base).holdings(thorough=True)
            documents[base] = len({one.document_id for one in held})
            duplicates += sum(max(0, len(one.remote_ids) - 1) for one in held)
        library.close()
        twice = self.world.asked(
            "select count(*) from (select 1 from chaos_commits group by video_id, name, key "
            "having count(*) > 1) as again"
        )[0][0]
        runs = self.world.asked(
            "select count(*) from chaos_commits where name !~ '@' or name ~ '^receipt@'"
        )[0][0]
        self.say(f"states {dict(states)}, documents {documents}")
        return {
            "videos": states["ready"],
            "documents": min(documents.values()),
            "duplicates": duplicates,
            "completed_twice": twice,
            "stuck": VIDEOS - states["ready"],
            "stage_runs": runs,
            "kills": self.kills,
            "seconds": round(seconds),
        }


def main() -> int:
    network.refuse_without_rights()
    install_s3rver()
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 13
    folder = Path(tempfile.mkdtemp(prefix="video-rag-chaos-"))
    with Bridge(), World(folder) as world:
        names = ("home", "worker", "worker")
        hosts = [Host(n, name, folder / f"host-{n}") for n, name in enumerate(names)]
        found = Chaos(world, hosts, seed).run()
    print(f"logs: {folder}")
    print(json.dumps(found))
    right = {
        "videos": VIDEOS,
        "documents": VIDEOS,
        "duplicates": 0,
        "completed_twice": 0,
        "stuck": 0,
    }
    is_right = all(found[name] == value for name, value in right.items())
    return 0 if is_right and int(str(found["kills"])) >= KILLS else 1


if __name__ == "__main__":
    sys.exit(main())
