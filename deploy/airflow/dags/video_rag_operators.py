"""Airflow's side of the requests: operators that ask, wait without a worker slot, and tell.

Runs on Airflow 3 and on 2.11. An operator asks for a request by a key that follows from the run,
the task, its map index and the wish, and defers itself while video-rag works: worker slots are free
then, and a pool with `include_deferred` still counts it. Retried, run twice, or after either side
was killed, it finds the request that it asked for.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import video_rag_client as api
import video_rag_messages as messages
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

try:  # Airflow 3
    from airflow.sdk import BaseHook, BaseOperator, BaseOperatorLink
    from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

    IS_3 = True
except ImportError:  # Airflow 2.11
    from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException
    from airflow.hooks.base import BaseHook
    from airflow.models.baseoperator import BaseOperator

    IS_3 = False

CONNECTION = "video_rag"
"""Host, port, and an API key of video-rag as the password."""
ALERTS = "video_rag_alert"
"""A webhook as the password; `kind` in its extra (feishu, wecom, dingtalk, slack, json)."""
LOOK_SECONDS = 20.0
"""So long a task waits for its request before it defers itself."""
PAUSE_SECONDS = (15.0, 300.0)
"""Between two looks at what takes long: a quarter of what it took so far, within these."""
MOST_SECONDS = 6 * 3600.0
"""A task gives up waiting after so long; its request goes on, and the next run finds its work."""
AWAY_SECONDS = 900.0
"""A server that is away so long while a task waits fails the task; its retry finds the request."""

Context = Any
"""`airflow.sdk.Context`, or that of Airflow 2."""


def server() -> api.Client:
    """The video-rag that the connection names. Raises `AirflowFailException`."""
    found = _connection(CONNECTION)
    if found is None:
        raise AirflowFailException(
            f"Airflow has no connection {CONNECTION}; hint: airflow connections add {CONNECTION} "
            "--conn-type http --conn-host http://127.0.0.1:8420 --conn-password <an API key>"
        )
    scheme = found.schema if found.schema in {"http", "https"} else str(found.conn_type)
    scheme = scheme if scheme in {"http", "https"} else "http"
    try:
        return api.Client(api.place(scheme, found.host or "", found.port), found.password or "")
    except api.ApiError as error:
        raise AirflowFailException(str(error)) from None


def _connection(name: str) -> Any:
    try:
        return BaseHook.get_connection(name)
    except AirflowException:  # it is not there
        return None


class RequestOperator(BaseOperator):
    """Asks video-rag for one request and waits for its end; gives its row, without its failures."""

    ui_color = "#e6f0ff"

    def wish(self, context: Context) -> dict[str, Any]:
        """What is asked for, as the API takes it."""
        raise NotImplementedError

    def judge(self, row: api.Row, context: Context) -> None:
        """Raise unless the request ended well; one whose trouble may pass is tried again."""
        if row["state"] == "done":
            return
        told = api.why(row) or f"request {row['request_id']} is {row['state']}"
        if row["state"] == "failed" and api.may_help(row):
            raise AirflowException(told)
        raise AirflowFailException(told)

    def begin(self, client: api.Client, context: Context) -> None:
        """What is to be told before anything is asked for."""

    def gives(self, row: api.Row) -> dict[str, Any]:
        """What later tasks get."""
        return {name: row[name] for name in ("request_id", "state", "video_ids", "result")}

    def execute(self, context: Context) -> Any:
        """Ask, and wait."""
        client = server()
        row = self._told(lambda: client.ask(self.wish(context), self._key(context)))
        request_id = row["request_id"]
        context["ti"].xcom_push(key="request_id", value=request_id)
        self.log.info("asked for %s %s: request %s", row["kind"], row["about"], request_id)
        self._told(lambda: self.begin(client, context))
        if row["state"] not in api.OPEN and context["ti"].try_number > 1:
            try:
                self.judge(row, context)
            except AirflowException:
                self.log.info("the request ended before, and not well: it is tried again")
                row = self._told(lambda: client.again(request_id))
        return self._follow(client, row, context, time.time(), time.time())

    def resume(
        self, context: Context, event: Any = None, begun: float = 0.0, seen: float = 0.0
    ) -> Any:
        """Look again after a pause. Times are seconds since the epoch."""
        client, now = server(), time.time()
        begun, seen = begun or now, seen or now  # `dags test` of Airflow 2 forgets them
        try:  # the same key: the same request
            row = client.ask(self.wish(context), self._key(context))
        except api.ApiError as error:
            if not error.is_passing or now - seen > AWAY_SECONDS:
                raise self._refused(error) from None
            self.log.warning("%s; looking again later", error)
            return self._pause(begun, seen)
        return self._follow(client, row, context, begun, now)

    def _follow(
        self, client: api.Client, row: api.Row, context: Context, begun: float, seen: float
    ) -> Any:
        if row["state"] in api.OPEN:
            try:
                row = client.look(row["request_id"], LOOK_SECONDS)
            except api.ApiError as error:
                if not error.is_passing:
                    raise self._refused(error) from None
                self.log.warning("%s; looking again later", error)
                return self._pause(begun, seen)
        if row["state"] in api.OPEN:
            if time.time() - begun > MOST_SECONDS:
                raise AirflowException(
                    f"request {row['request_id']} is still {row['state']} after "
                    f"{MOST_SECONDS / 3600:g} h; it goes on, and a retry waits for it again"
                )
            how_far = f" {row['stage']} {row['share']:.0%}" if row["stage"] else ""
            self.log.info("%s is %s%s", row["request_id"], row["state"], how_far)
            return self._pause(begun, time.time())
        self.log.info("%s is %s: %s", row["request_id"], row["state"], json.dumps(row["result"]))
        self.judge(row, context)
        return self.gives(row)

    def _pause(self, begun: float, seen: float) -> None:
        """Give the worker slot back, and go on with `resume`."""
        least, most = PAUSE_SECONDS
        pause = min(max((time.time() - begun) / 4, least), most)
        self.defer(
            trigger=TimeDeltaTrigger(timedelta(seconds=pause)),
            method_name="resume",
            kwargs={"begun": begun, "seen": seen},
        )

    def _key(self, context: Context) -> str:
        """The idempotency key: the same for every try of a task in a run."""
        run, ti = context["dag_run"], context["ti"]
        told = [run.run_id, str(run.start_date), ti.task_id, ti.map_index, self.wish(context)]
        mark = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]
        return f"airflow:{ti.dag_id[:60]}:{ti.task_id[:60]}:{ti.map_index}:{mark}"

    def _told(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except api.ApiError as error:
            raise self._refused(error) from None

    def _refused(self, error: api.ApiError) -> AirflowException:
        return (
            AirflowException(str(error)) if error.is_passing else AirflowFailException(str(error))
        )


class Discover(RequestOperator):
    """Takes new videos in. Gives `videos`: those that want work, by their sites in `sites`."""

    def wish(self, context: Context) -> dict[str, Any]:
        """Which addresses and subscriptions are looked at."""
        params = context["params"]
        wish = {"kind": "discover", "urls": params["urls"] or [], "force": params["force"]}
        wish["limit"] = params["limit"]
        said = {name: params[name] for name in ("collection", "fetch") if params[name]}
        return {**wish, **said}

    def judge(self, row: api.Row, context: Context) -> None:
        """A list that cannot be read is in the report, and keeps no video of the others."""
        if "sites" not in row["result"]:
            super().judge(row, context)
        elif row["state"] != "done":
            self.log.warning("not all could be looked at: %s", api.why(row))

    def gives(self, row: api.Row) -> dict[str, Any]:
        """What later tasks get."""
        left = row["result"]["left"]
        if left:
            self.log.warning("%s more videos want work: the next run takes them", left)
        return {"request_id": row["request_id"], **row["result"]}


class Videos(BaseOperator):
    """Chooses of what was discovered the videos of one site, or (`*`) of all but some."""

    ui_color = "#f4f4f4"

    def __init__(self, *, site: str, others: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.site = site
        self.others = tuple(others)

    def execute(self, context: Context) -> list[str]:
        """Choose them."""
        sites = context["ti"].xcom_pull(task_ids="discover")["sites"]
        if self.site != "*":
            return list(sites.get(self.site, []))
        return [name for site, some in sites.items() if site not in self.others for name in some]


if IS_3:

    class VideoPage(BaseOperatorLink):
        """The button that opens a video's page."""

        name = "Video"

        def get_link(self, operator: Any, *, ti_key: Any) -> str:
            """The page, in the process that ran the task."""
            return getattr(operator, "page", "")


class Process(RequestOperator):
    """Works on one video until it is ready, or nothing more can be done for it now."""

    operator_extra_links = (VideoPage(),) if IS_3 else ()  # 2.11 takes links from plug-ins alone

    def __init__(self, *, video_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.video_id = video_id
        self.page = ""

    def wish(self, context: Context) -> dict[str, Any]:
        """The one video."""
        return {"kind": "process", "video_ids": [self.video_id]}

    def begin(self, client: api.Client, context: Context) -> None:
        """Say which video it is, and where it can be seen."""
        title = client.video(self.video_id)["title"]
        self.page = client.page(self.video_id)
        context["ti"].xcom_push(key="title", value=title)
        context["ti"].xcom_push(key="page", value=self.page)
        context["video_title"] = title  # for `map_index_template`
        self.log.info("%s: %s", title, self.page)

    def resume(
        self, context: Context, event: Any = None, begun: float = 0.0, seen: float = 0.0
    ) -> Any:
        """Look again after a pause, with the same name and link."""
        self.page = server().page(self.video_id)
        ti = context["ti"]
        told = ti.xcom_pull(task_ids=ti.task_id, key="title", map_indexes=ti.map_index)
        context["video_title"] = told or self.video_id
        return super().resume(context, event, begun, seen)

    def judge(self, row: api.Row, context: Context) -> None:
        """One that waits for its site is tried again once, and then left to the next run."""
        if row["state"] == "cancelled":
            raise AirflowSkipException("somebody took the request back")
        super().judge(row, context)
        if not row["result"].get("waiting"):
            return
        ti = context["ti"]
        if ti.try_number > ti.max_tries:
            raise AirflowSkipException("it waits for its site; the next run goes on with it")
        raise AirflowException("it waits for its site")


class Publish(RequestOperator):
    """Brings every knowledge base, or the one that was asked for, in line with the library."""

    def wish(self, context: Context) -> dict[str, Any]:
        """Where to."""
        to = context["params"]["to"]
        return {"kind": "publish", **({"to": to} if to else {})}


class Verify(RequestOperator):
    """Compares knowledge bases with the library; drift fails."""

    def wish(self, context: Context) -> dict[str, Any]:
        """Which bases."""
        to = context["params"]["to"]
        return {"kind": "verify", "bases": [to] if to else []}


class Doctor(RequestOperator):
    """Looks at everything that video-rag needs; what is wrong fails."""

    def wish(self, context: Context) -> dict[str, Any]:
        """How thoroughly."""
        return {"kind": "doctor", "thorough": context["params"]["thorough"]}


class Sweep(RequestOperator):
    """Deletes stored results that no video needs any more."""

    def wish(self, context: Context) -> dict[str, Any]:
        """Nothing is to be said."""
        return {"kind": "sweep"}


class Report(RequestOperator):
    """Sums up the requests of a run; fails when one failed, is still open, or was never made."""

    def __init__(self, *, of: Iterable[str], mapped: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.of, self.mapped = tuple(of), tuple(mapped)

    def wish(self, context: Context) -> dict[str, Any]:
        """The requests of the tasks before."""
        return {"kind": "report", "request_ids": self._found(context)}

    def gives(self, row: api.Row) -> dict[str, Any]:
        """The summary, in words and in numbers."""
        return {"text": messages.summary(row["result"]), **row["result"]}

    def judge(self, row: api.Row, context: Context) -> None:
        """Tell the summary; it is this task by which a run fails."""
        super().judge(row, context)
        text, counts = messages.summary(row["result"]), row["result"]["counts"]
        self.log.info("%s", text)
        missing = self._expected(context) - len(self._found(context))
        if missing > 0:
            text += f"\n- {missing} steps could not ask for their work: see their logs"
        if missing > 0 or any(counts[name] for name in ("failed", "open", "forgotten")):
            context["ti"].xcom_push(key="summary", value=text)
            raise AirflowFailException(text)

    def _found(self, context: Context) -> list[str]:
        pull = context["ti"].xcom_pull
        some = pull(task_ids=[*self.of, *self.mapped], key="request_id") or []
        return sorted({name for name in some if name})

    def _expected(self, context: Context) -> int:
        if not self.mapped:
            return len(self.of)
        found = context["ti"].xcom_pull(task_ids="discover") or {}
        return len(self.of) + sum(len(some) for some in found.get("sites", {}).values())


# --- when a run fails -------------------------------------------------------------------------


def tell_failed_task(context: Context) -> None:
    """For the report: what failed, to the webhook of the connection `video_rag_alert`."""
    _send(context, str(context.get("exception") or "see the log of the task"))


def tell_failed_run(context: Context) -> None:
    """For the run: why, where no report could tell it (a time-out, a deadlock)."""
    reason = str(context.get("reason") or "")
    if reason != "task_failure":
        _send(context, f"the run ended early: {reason or 'see its log'}")


def _send(context: Context, text: str) -> None:
    found = _connection(ALERTS)
    if found is None or not found.password:
        print(f"nobody is told: there is no connection {ALERTS} with a webhook as its password")
        return
    run, dag = context.get("run_id") or context["dag_run"].run_id, context["dag"].dag_id
    kind = found.extra_dejson.get("kind") or messages.kind_of(found.password)
    problem = messages.send(found.password, kind, f"{dag} failed ({run})\n{text}")
    print(f"{ALERTS}: {problem}" if problem else f"{ALERTS} was told")
