"""The DAG `video_rag_maintenance`: once a week everything that is stored is looked at.

doctor → sweep (results that no video needs) → publish → verify → report. The API key must be an
admin's. A copy of the ledger is the database's business: see the how-to.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

# Airflow has its folder of DAGs on this path, and what only looks at one file has not.
sys.path[:] = dict.fromkeys([*sys.path, str(Path(__file__).parent)])

import video_rag_operators as ops  # noqa: E402

try:  # Airflow 3
    from airflow.sdk import DAG, Param
except ImportError:  # Airflow 2.11
    from airflow.models.dag import DAG
    from airflow.models.param import Param

PARAMS = {
    "thorough": Param(
        True, type="boolean", title="Thorough", description="Read all that is stored."
    ),
    "to": Param(
        None,
        type=["null", "string"],
        title="Knowledge base",
        description="The only one to look at; none: every one that is set up.",
    ),
}

with DAG(
    "video_rag_maintenance",
    description="Look at all that is stored and published, and sweep what nobody needs.",
    schedule="0 3 * * 0",
    start_date=datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=23),
    default_args={
        "owner": "video-rag",
        "retries": 1,
        "retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(minutes=5),
    },
    params=PARAMS,
    on_failure_callback=ops.tell_failed_run,
    doc_md=__doc__,
    tags=["video-rag"],
) as dag:
    doctor = ops.Doctor(task_id="doctor")
    sweep = ops.Sweep(task_id="sweep", trigger_rule="all_done")
    publish = ops.Publish(task_id="publish", trigger_rule="all_done")
    verify = ops.Verify(task_id="verify", trigger_rule="all_done")
    report = ops.Report(
        task_id="report",
        of=["doctor", "sweep", "publish", "verify"],
        trigger_rule="all_done",
        on_failure_callback=ops.tell_failed_task,
    )
    doctor >> sweep >> publish >> verify >> report
