"""The whole fuzz run, in less than five minutes on two processors: `make fuzz`, `make fuzz SEED=7`.

Prints what was tried and what was wrong, with the number (`seed:place`) that makes a damaged file
again and the place where it is kept. The exit code is 1 when anything was wrong.
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

from fuzz import hostile, media, subtitles

FILES = 10_000
SECONDS = {"subtitles": 90.0, "hostile": 110.0, "media": 50.0}
"""Each part stops then and says how far it came; growth of media takes some thirty more."""
SLOW = 20.0
"""Seconds of the processor for one damaged subtitle of a few kilobytes."""


def _hangs(_signal: int, _frame: object) -> None:
    raise TimeoutError(f"not read within {SLOW:.0f} s")


def tried(number: str) -> str:
    """One damaged subtitle; what is wrong with it, and how it was damaged."""
    case = subtitles.made(number)
    signal.signal(signal.SIGVTALRM, _hangs)
    signal.setitimer(signal.ITIMER_VIRTUAL, SLOW)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"talk.{case.kind}"
        wrong = subtitles.fault(case, path)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if wrong:
            media.KEPT.mkdir(parents=True, exist_ok=True)
            kept = media.KEPT / f"{number.replace(':', '-')}.{case.kind}"
            kept.write_bytes(path.read_bytes())
            wrong = f"{number} {case.kind}, {case.told}, kept as {kept}\n    {wrong}"
    return wrong


def damaged(seed: int) -> int:
    """How many of the damaged subtitles were wrong."""
    end, done, faults = time.monotonic() + SECONDS["subtitles"], 0, []
    numbers = (f"{seed}:{place}" for place in range(FILES))
    with get_context("fork").Pool(2) as pool:
        for wrong in pool.imap_unordered(tried, numbers, chunksize=20):
            done += 1
            faults += [wrong] if wrong else []
            if time.monotonic() > end:
                break
    print(f"damaged subtitles: {done} of {FILES} tried, {len(faults)} wrong")
    for wrong in faults[:20]:
        print(f"  {wrong}")
    return len(faults) + (done < FILES and _late("damaged subtitles"))


def grown() -> int:
    """How many hostile inputs took too long, grew too fast or took too much memory."""
    found = hostile.run(seconds=SECONDS["hostile"])
    faults = [fault for one in found if (fault := one.fault())]
    slowest = max(found, key=lambda one: one.seconds)
    fullest = max(found, key=lambda one: one.memory)
    every = len(hostile.INPUTS)
    print(f"hostile subtitles: {len(found)} of {every} measured, {len(faults)} wrong;")
    print(f"  the slowest took {slowest.seconds:.1f} s ({slowest.name}),")
    print(f"  the largest {fullest.memory // 2**20} MB ({fullest.name})")
    for fault in faults:
        print(f"  {fault}")
    return len(faults) + (len(found) < every and _late("hostile subtitles"))


def _late(what: str) -> int:
    print(f"  {what}: out of time, as the machine is busy or slow; run it again alone")
    return 1


def main(seed: int) -> int:
    """All parts; the summary is what they print."""
    begin = time.monotonic()
    print(f"seed {seed} (make fuzz SEED={seed} makes the same files again)")
    wrong = damaged(seed) + grown()
    wrong += media.main(media.COUNT, seed, SECONDS["media"])
    with tempfile.TemporaryDirectory() as folder:
        slow = media.growth(Path(folder))
    print(f"growth of media files: {len(slow)} wrong")
    print("".join(f"  {one}\n" for one in slow), end="")
    wrong += len(slow)
    print(f"{'WRONG' if wrong else 'nothing wrong'}, {time.monotonic() - begin:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(
        main(int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(10**6))
    )
