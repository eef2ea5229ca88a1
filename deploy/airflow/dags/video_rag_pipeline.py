"""The DAG `video_rag_pipeline`: a pass over everything that is due, as real tasks of Airflow.

discover → process (one mapped task per video) → publish → verify → report.

With the Airflow variable `video_rag_pools`, a JSON object such as
`{"*": "video_rag", "bilibili.com": "video_rag_bilibili"}`, the videos of a site are worked on in
its own pool, and those of all others in that of `*`. The pools must be there: `prepare.py` makes
them.
"""

from __future__ import annotations

import re
import sys
from datetime import datetime, timedelta
from pathlib import Path

# Airflow has its folder of DAGs on this path, and what only looks at one file has not.
sys.path[:] = dict.fromkeys([*sys.path, str(Path(__file__).parent)])

import video_rag_operators as ops  # noqa: E402

try:  # Airflow 3
    from airflow.sdk import DAG, Param, Variable
except ImportError:  # Airflow 2.11
    from airflow.models import Variable
    from airflow.models.dag import DAG
    from airflow.models.param import Param

PARAMS = {
    "urls": Param(
        None,
        type=["null", "array"],
        items={"type": "string"},
        title="Addresses",
        description="One a line; none: the subscriptions that are due.",
    ),
    "collection": Param(
        None, type=["null", "string"], title="Collection", description="Of what is new there."
    ),
    "fetch": Param(
        None,
        type=["null", "string"],
        title="Fetch",
        description="video, audio, subtitles or a greatest height such as 480p; none: as set up.",
    ),
    "force": Param(
        False,
        type="boolean",
        title="Force a check",
        description="Look at all subscriptions, also at those that are not due.",
    ),
    "to": Param(
        None,
        type=["null", "string"],
        title="Knowledge base",
        description="The only one to publish to and to verify; none: every one that is set up.",
    ),
    "limit": Param(
        500,
        type="integer",
        minimum=1,
        maximum=1000,
        title="Most videos",
        description="Of one run; the others are for the next.",
    ),
}


def pools() -> dict[str, str]:
    """The pool of each site that has one of its own, and that of all others as `*`."""
    found = Variable.get("video_rag_pools", {}, deserialize_json=True)
    if not isinstance(found, dict) or not all(isinstance(pool, str) for pool in found.values()):
        raise ValueError(
            'the Airflow variable video_rag_pools must be like {"*": "a pool", "site": "a pool"}'
        )
    return {"*": "default_pool", **found}


def suffix(site: str) -> str:
    """What the names of a site's tasks end in."""
    return "" if site == "*" else "_" + re.sub(r"\W+", "_", site)


with DAG(
    "video_rag_pipeline",
    description="Discover videos, work on each, publish, verify, report.",
    schedule="0 0 * * *",
    start_date=datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=23),
    default_args={
        "owner": "video-rag",
        "retries": 1,
        "retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(minutes=5),  # of one look; a request may take hours
    },
    params=PARAMS,
    on_failure_callback=ops.tell_failed_run,
    doc_md=__doc__,
    tags=["video-rag"],
) as dag:
    discover = ops.Discover(task_id="discover")
    publish = ops.Publish(task_id="publish", trigger_rule="all_done")
    verify = ops.Verify(task_id="verify", trigger_rule="all_done")
    lanes = pools()
    report = ops.Report(
        task_id="report",
        of=["discover", "publish", "verify"],
        mapped=[f"process{suffix(site)}" for site in lanes],
        trigger_rule="all_done",
        on_failure_callback=ops.tell_failed_task,
    )
    for site, pool in lanes.items():
        videos = ops.Videos(task_id=f"videos{suffix(site)}", site=site, others=list(lanes))
        process = ops.Process.partial(
            task_id=f"process{suffix(site)}",
            pool=pool,
            map_index_template="{{ video_title or task.video_id }}",
        ).expand(video_id=videos.output)
        discover >> videos
        process >> publish
    publish >> verify >> report
