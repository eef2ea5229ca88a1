"""More than seventy planted secrets through every command and every route: none comes out.

They are keys, passwords, cookies, logins of proxies, and tokens in the addresses of pages, feeds,
files and transcripts; the servers that get them quote them in their refusals. What must be stored
to work stays inside: the address of a video, a list and its entries in the ledger, and of a feed in
its cache.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from starlette.testclient import TestClient

from dify_bases import server
from shell import Shell
from video_rag.api import create_app
from video_rag.cli import commands
from video_rag.library import Library
from video_rag.library.shelf import Shelf
from video_rag.operations import keys
from video_rag.pipeline.plan import key_of
from video_rag.pipeline.results import kept
from video_rag.settings import load_settings
from video_rag.testing import clips
from video_rag.testing.dify import DifyServer
from web import Page, Site, serve

pytest.importorskip("yt_dlp")
pytest.importorskip("feedparser")
pytest.importorskip("openai")

PLANTED: dict[str, str] = {}
"""Each secret by what it is; filled by `secret`."""


def secret(name: str) -> str:
    """A secret of no shape of its own, always the same for a name."""
    digest = hashlib.sha256(name.encode()).digest()
    text = base64.b64encode(digest).decode().replace("+", "x").replace("/", "Y")
    PLANTED[name] = f"{text[:23]}7"
    return PLANTED[name]


NAMED = (
    *("token", "access_token", "accessToken", "auth", "auth_key", "api_key", "apikey", "key"),
    *("sig", "sign", "signature", "X-Amz-Signature", "X-Amz-Security-Token", "X-Goog-Signature"),
    *("Policy", "Key-Pair-Id", "password", "pwd", "session", "sid", "jwt", "hdnts", "wsSecret"),
    *("ticket", "rlkey", "st", "e", "u"),
)
"""Parameters that hold secrets; the last three look harmless, their values do not."""
COOKIES = ("SESSDATA", "bili_jct", "sessionid", "LOGIN_INFO", "auth_token", "li_at", "plain", "x")
IN_VTT = (
    "WEBVTT\n\n00:00.000 --> 00:09.000\nA flock of sheep eats grass on the hill.\n\n"
    "00:09.000 --> 00:19.000\nThe shepherd counts all his sheep in the evening.\n"
)
NO_DATASET = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
KEYS_OF = {
    "answerers.openai": ("api_key",),
    "answerers.streaming": ("api_key",),
    "embedders.openai": ("api_key",),
    "knowledge.parrot": ("api_key", "app_key", "console_password"),
    "knowledge.admin": ("api_key", "admin_key"),
    "answerers.dify": ("app_key",),
}


def query(where: str, *names: str) -> str:
    """Parameters with secrets of their own."""
    return "&".join(f"{name}={secret(f'{name} of {where}')}" for name in names)


class Parrot(BaseHTTPRequestHandler):
    """Refuses everybody, and says in every way with what they came."""

    protocol_version = "HTTP/1.1"

    def refuse(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode(errors="replace")
        came = [*self.headers.get_all("Authorization", []), *self.headers.get_all("Cookie", [])]
        words = [word.rpartition("=")[2] for text in came for word in text.split()]
        words += [unquote(row.partition("=")[2]) for row in urlsplit(self.path).query.split("&")]
        if "password" in body:
            words.append(base64.b64decode(json.loads(body)["password"]).decode())
        words = [word for word in words if len(word) > 10]
        forms = [f"{w} {quote(w)} {w[:6]}...{w[-4:]} {w[:5]}*****{w[-5:]} {w[:14]}" for w in words]
        said = f"Incorrect key provided: {'; '.join(forms)}. You sent {came} and {body}"
        answer = {"error": {"message": said}, "code": "unauthorized", "message": said}
        data = json.dumps({**answer, "status": 401}).encode()
        self.send_response(401, f"Unauthorized {' '.join(words)[:300]}")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = refuse  # noqa: N815 (http.server's names)

    def log_message(self, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def parrot() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Parrot) as running:
        running.daemon_threads = True
        thread = Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    clips.tone(tmp_path / "sound.mp3", seconds=20)
    sound = (tmp_path / "sound.mp3").read_bytes()
    with serve() as running:
        for number in (1, 2, 3):
            running.pages[f"/ep{number}.mp3"] = Page(sound + bytes([number]), "audio/mpeg")
        running.pages["/words.vtt"] = Page(IN_VTT.encode(), "text/vtt")
        running.pages["/alone.mp3"] = Page(sound + b"4", "audio/mpeg")
        chapters = {"chapters": [{"startTime": 0, "title": "Sheep"}]}
        running.pages["/chapters.json"] = Page(json.dumps(chapters).encode(), "application/json")
        yield running


def feed_of(site: Site, parrot: str) -> str:
    """A private podcast: everything in it has a token; the third episode's file is refused."""
    rows = ""
    for number in (1, 2, 3):
        base = parrot if number == 3 else site.url
        more = NAMED if number == 1 else ("token", "sig")
        file = f"{base}/ep{number}.mp3?v={number}&{query(f'episode {number}', *more)}"
        words = f"{site.url}/words.vtt?{query(f'words {number}', 'token', 'h')}"
        marks = f"{site.url}/chapters.json?{query(f'chapters {number}', 'auth')}"
        rows += (
            f"<item><title>Part {number}</title><guid>{number}</guid>"
            f"<enclosure url='{file.replace('&', '&amp;')}' type='audio/mpeg'/>"
            f"<podcast:transcript url='{words.replace('&', '&amp;')}' type='text/vtt'/>"
            f"<podcast:chapters url='{marks}' type='application/json+chapters'/></item>"
        )
    head = "<title>Farm talk</title>"
    body = (
        "<rss version='2.0' xmlns:podcast='https://podcastindex.org/namespace/1.0'>"
        f"<channel>{head}{rows}</channel></rss>"
    )
    site.pages["/feed.xml"] = Page(body.encode(), "application/rss+xml")
    return f"{site.url}/feed.xml?{query('feed', 'auth', 'user_token')}"


@pytest.fixture
def home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parrot: str
) -> Iterator[tuple[Path, DifyServer]]:
    """A home whose settings, cookies and environment are full of secrets."""
    cookies = tmp_path / "cookies.txt"
    rows = ["# Netscape HTTP Cookie File"]
    for name in COOKIES:
        facts = ["127.0.0.1", "FALSE", "/", "FALSE", "0", name, secret(f"cookie {name}")]
        rows.append("\t".join(facts))
    cookies.write_text("\n".join(rows) + "\n")
    misplaced = (
        f"SESSDATA={secret('misplaced cookie')}; bili_jct={secret('second misplaced cookie')}"
    )
    tables = [
        "[guard]\nallow_private = true",
        f'[sources.ytdlp]\nretries = 0\nsleep_subtitles = 0\ncookies = "{cookies}"',
        '[sources.ytdlp.sites."elsewhere.example"]',
        f'proxy = "http://reader:{secret("proxy")}@127.0.0.1:9"',
        f'[sources.ytdlp.sites."other.example"]\ncookies = "{misplaced}"',
        '[pipeline]\ntranscribers = ["subtitles"]\nsampler = "none"\nreader = "none"',
        (
            f'[observers.logs]\nfile = "{tmp_path / "log.jsonl"}"\nlevel = "debug"\n'
            "max_bytes = 20000\nkeep = 900"
        ),
    ]
    with server() as dify:
        PLANTED["dify api_key"] = dify.dataset_key
        (tmp_path / "dify.key").write_text(f"{dify.dataset_key}\n")
        tables.append(
            f'[knowledge.dify]\nbase_url = "{dify.base_url}"\npoll_seconds = 0.05\n'
            "rate_limit_wait = 0.01\ntimeout = 5"
        )
        for table, names in KEYS_OF.items():
            keys = "\n".join(f'{name} = "{secret(f"{table} {name}")}"' for name in names)
            kind = "dify" if table.startswith("knowledge") else "openai"
            use = "" if table.endswith(("openai", "dify")) else f'use = "{kind}"\n'
            email = 'console_email = "a@b.example"\n' if "console_password" in names else ""
            email += 'workspace_id = "1"\n' if "admin_key" in names else ""
            email += f'dataset_id = "{NO_DATASET}"\n' if kind == "dify" else ""
            tables.append(f'[{table}]\nbase_url = "{parrot}/v1"\n{use}{email}{keys}')
        tables[-1] += "\ntimeout = 5"
        tables.append(f'[rerankers.fastembed]\nmodel = "sk-{secret("misplaced key")}"')
        config = tmp_path / "settings.toml"
        config.write_text("\n".join(tables))
        monkeypatch.setenv("VIDEO_RAG_CONFIG", str(config))
        monkeypatch.setenv("DIFY_API_KEY_FILE", str(tmp_path / "dify.key"))
        monkeypatch.setenv("FTP_PROXY", f"http://me:{secret('proxy of all')}@127.0.0.1:9")
        monkeypatch.setenv("COLUMNS", "300")
        yield tmp_path / "home", dify


def _start(value: str) -> str:
    """The beginning that only this one has: keys of a kind begin alike."""
    return value[:18] if value.startswith(("dataset-", "vr_")) else value[:10]


def leaks(text: str) -> list[str]:
    """Which secrets are in a text: whole, encoded, or the better half of them."""
    return [
        name
        for name, value in PLANTED.items()
        if value in text or value[-10:] in text or _start(value) in text or quote(value) in text
    ]


def stored(home: Path) -> Iterator[tuple[str, str]]:
    """Everything that a home holds, but for the addresses that fetching needs."""
    kept = {"results": "name", "subscriptions": "url", "entries": "url", "files": "path"}
    with closing(sqlite3.connect(home / "library.db")) as db:
        tables = [row[0] for row in db.execute("select name from sqlite_master where type='table'")]
        for table in tables:
            rows = db.execute(f'select * from "{table}"')
            names = [column[0] for column in rows.description]
            for row in rows:
                facts = dict(zip(names, row, strict=True))
                if table == "results" and facts["name"] in {"video", "talk", "origins"}:
                    continue
                if table in {"subscriptions", "entries"}:
                    facts.pop("url")
                facts.pop("wish", None)
                yield f"library.db {table} {facts.get(kept.get(table, ''), '')}", repr(facts)
    for path in home.rglob("*"):
        if path.is_file() and path.parent.name != "feeds" and not path.name.startswith("library."):
            yield str(path.relative_to(home)), path.read_bytes().decode("latin-1")


def held_by(dify: DifyServer) -> list[tuple[str, str]]:
    """Everything that Dify was given."""
    return [
        (f"Dify: {document.name}", repr(vars(document)))
        for dataset in dify.datasets.values()
        for document in dataset.documents.values()
    ]


def used(feed: str, alone: str, refused: str, tmp_path: Path) -> dict[str, list[list[str]]]:
    """How each command is called; `{}` stands for the id of a video."""
    (tmp_path / "questions.jsonl").write_text('{"question": "who counts sheep?", "video": "x"}\n')
    lists = [feed, f"{refused}/list.xml?{query('refused list', 'token', 'auth')}"]
    return {
        "add": [["add", url] for url in (feed, alone, f"{refused}/x.mp4?{query('wall', 'token')}")]
        + [["add", f"http://me:{secret('login in a url')}@127.0.0.1/x.mp4"]]
        + [["add", feed, "--json"], ["add", f"{alone}&{query('again', 'sig')}", "--json"]],
        "list": [["list"], ["list", "--json"]],
        "show": [["show", "{}"], ["show", "{}", "--json"], ["show", alone], ["show", "Part 3"]],
        "run": [["run"], ["run", "--json"]],
        "tick": [["tick"], ["tick", "--json"]],
        "schedule": [["schedule", "--nothing"]],
        "status": [["status"], ["status", "--json"]],
        "worker": [["worker", "--lanes", "nothing"]],
        "queue": [["queue", "show"], ["queue", "show", "--json"], ["queue", "dead", "list"]],
        "migrate-blobs": [["migrate-blobs", "--to", f"s3://me:{secret('key of a bucket')}@b/x"]],
        "migrate-ledger": [
            ["migrate-ledger", "--to", f"postgresql://me:{secret('password')}@127.0.0.1:1/x"]
        ],
        "retry": [["retry"], ["retry", "Part 3"]],
        "requests": [["requests", "list"], ["requests", "list", "--json"]]
        + [["requests", name, secret("typed request")] for name in ("show", "cancel", "retry")],
        "export": [
            ["export", "{}", "--format", kind, "--to", str(tmp_path / "exports")]
            for kind in ("md", "vtt")
        ],
        "search": [["search", "sheep"], ["search", "sheep", "--json"]]
        + [["search", "sheep", "--knowledge", name] for name in ("dify", "parrot")],
        "ask": [["ask", "Who counts the sheep?"], ["ask", "Who counts the sheep?", "--json"]]
        + [["ask", "Who counts?", "--answerer", a] for a in ("openai", "streaming", "dify")],
        "eval": [["eval", str(tmp_path / "questions.jsonl")]],
        "settings": [["settings"], ["settings", "--json"]],
        "plugins": [["plugins"], ["plugins", "knowledge.dify"]],
        "doctor": [["doctor"], ["doctor", "--json"]],
        "watch": [["watch", "add", url] for url in lists]
        + [["watch", "add", feed, "--json"], ["watch", "list"], ["watch", "list", "--json"]]
        + [["watch", "check", "--now"], ["watch", "check", "--now", "--json"], ["watch", "list"]]
        + [["watch", "pause", feed], ["watch", "resume", "1"], ["watch", "remove", lists[1]]]
        + [["watch", "remove", f"{feed}&{query('unknown list', 'key')}"]],
        "dify": [["dify", "create", "--mode", "economy"], ["dify", "status"], ["dify", "check"]]
        + [["dify", "status", "--to", "parrot"], ["dify", "check", "--to", "parrot"]]
        + [["dify", "check", "--to", "admin"], ["dify", "connect", "--url", "http://127.0.0.1:1"]]
        + [["dify", "connect", "--to", name, "--url", "http://h"] for name in ("parrot", "admin")]
        + [["dify", "chatflow", "--to", "parrot", "--import"]]
        + [["dify", "chatflow", "--output", str(tmp_path / "flow.yml")]],
        "publish": [["publish", "--all", "--to", name] for name in ("dify", "parrot")]
        + [["publish", "--all", "--to", "parrot", "--json"]],
        "sites": [["sites"], ["sites", "--json"], ["sites", "forget", "127.0.0.1"]],
        "report": [
            ["report", name, *more]
            for name in ("downloads", "retrieval", "system", "performance")
            for more in ([], ["--json"])
        ],
        "update": [["update", "--back"]],
        "serve": [["serve", "--host", "no such host"]],
        "keys": [["keys", "list"], ["keys", "revoke", f"vr_0123abcd_{secret('typed key')}"]],
        "backup": [
            ["backup", "--to", str(tmp_path / "backups")],
            ["backup", "--to", f"s3://me:{secret('key of a backup')}@b/x"],
        ],
        "backups": [["backups", str(tmp_path / "backups")]],
        "restore": [["restore", f"s3://me:{secret('key of a restore')}@b/x"]],
        "clean": [["clean", "--older-than", "30d", "--dry-run"]],
        "selftest": [["selftest", "--help"]],
        "remove": [["remove", "Part 2"], ["remove", f"{alone}&{query('removed', 'token')}"]],
    }


def called(
    client: TestClient, feed: str, ready: str, right: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """Every route with every method, well and badly called."""
    bodies: dict[str, list[Any]] = {
        "/api/videos": [{"url": f"{feed}&{query('posted', 'key')}"}, {"url": secret("posted")}],
        "/api/requests": [
            {"kind": "add", "urls": [f"{feed}&{query('asked for', 'key')}"]},
            {"kind": "add", "urls": [secret("asked for")]},
            {"kind": "check", "urls": [secret("list asked for")]},
            {"kind": "publish", "to": "parrot"},
            {"kind": "publish", "to": secret("base asked for")},
        ],
        "/api/ask": [{"question": "Who counts the sheep?"}],
        "/retrieval": [
            {"query": "sheep", "knowledge_id": "all", "retrieval_setting": {"top_k": 5}},
            {"query": "sheep", "knowledge_id": "no such collection"},
        ],
        "/api/session": [{"key": f"vr_0123abcd_{secret('posted key')}"}],
    }
    asked = client.get("/api/requests", headers=right).json()[0]["request_id"]
    paths = {"video_id": ready, "number": "0", "digest": "0" * 64, "request_id": asked}
    values = {"q": "sheep"}
    typed = {**right, "X-Request-ID": f"vr_0123abcd_{secret('key as an id')}"}
    typed["User-Agent"] = secret("browser")
    for path in (f"/page/vr_0123abcd_{secret('key in a path')}", f"/x?{query('a page', 'token')}"):
        got = client.get(path, headers=typed)
        yield f"get {path[:6]}", f"{got.status_code} {got.headers} {got.text}"
    wrong = {"Authorization": f"Bearer vr_0123abcd_{secret('key in a header')}"}
    for path, methods in client.app.openapi()["paths"].items():  # type: ignore[attr-defined]  # FastAPI's
        for method in sorted(methods, key=lambda name: name == "delete"):
            if method == "delete":
                continue  # its command was tried, and all others want the video
            url = path.format(**paths)
            if method == "get":
                yield f"head {path}", str(client.head(url, params=values, headers=right).headers)
            for body in bodies.get(path, [None]) if method == "post" else [None]:
                for headers in ({}, wrong, right):
                    got = client.request(method, url, params=values, json=body, headers=headers)
                    yield f"{method} {path}", f"{got.status_code} {got.headers} {got.text}"
    while True:
        got = client.get("/api/requests", headers=right)
        yield "get /api/requests", got.text
        if not any(row["state"] in {"queued", "working"} for row in got.json()):
            return
        time.sleep(0.05)


def test_documents_from_before_lose_their_tokens(
    home: tuple[Path, DifyServer], site: Site, parrot: str
) -> None:
    library = Library(load_settings())
    list(library.add([feed_of(site, parrot)]))
    [first, *_] = [status.video for status in library.videos() if status.state == "ready"]
    results = library.ledger.results(first.video_id)
    stage = next(s for s in Shelf(library.settings, ()).engine.plan.stages if s.name == "compose")
    document = library.document(first.video_id)
    assert leaks(first.url)
    before = document.model_copy(update={"video": first})
    key = key_of("compose", 1, stage.config, [results[name].digest for name in stage.needs])
    library.ledger.commit(
        first.video_id, "compose", {"document": kept(library.blobs, "document", before, key)}
    )
    assert leaks(repr(library.document(first.video_id)))
    assert library.status(first.video_id).state != "ready"

    list(library.run())

    assert library.status(first.video_id).state == "ready"
    assert library.document(first.video_id) == document
    assert leaks(Path(library.page(first.video_id)).read_text()) == []
    library.close()


def test_no_planted_secret_comes_out(
    home: tuple[Path, DifyServer],
    site: Site,
    parrot: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, dify = home
    shell = Shell(capsys)
    feed = feed_of(site, parrot)
    alone = f"{site.url}/alone.mp3?{query('file', 'X-Amz-Signature', 'token', 'e')}"
    table = used(feed, alone, parrot, tmp_path)
    assert table.keys() == commands.COMMANDS.keys()
    found: list[tuple[str, str]] = []
    for name, calls in table.items():
        if name == "list":
            ready = [row["video_id"] for row in shell.json("list") if row["state"] == "ready"]
            assert len(ready) == 2  # else much of what follows would show nothing
        for arguments in calls:
            wanted = [part.replace("{}", ready[0]) if "{}" in part else part for part in arguments]
            shell(*wanted, code=None)
            print_of = f"{shell.out}\n{shell.err}"
            assert "a bug in video-rag" not in print_of
            found.append((" ".join(arguments)[:60], print_of))
        if name == "publish":
            found += held_by(dify)
    elsewhere = {"ask": {"answerer": "openai"}, "search": {"knowledge": "parrot"}}
    for settings in ({}, elsewhere):
        library = Library(load_settings(settings))
        PLANTED[f"key {len(settings)}"] = key = keys.make(library.ledger, "me", "admin")[1]
        right = {"Authorization": f"Bearer {key}"}
        app = create_app(library, keys_required=False)
        with TestClient(app, base_url="http://127.0.0.1:8420") as client:
            found += called(client, feed, ready[0], right)
        library.close()
    found += stored(folder)
    found += [(f"export {p.name}", p.read_text()) for p in (tmp_path / "exports").rglob("*.*")]
    logs = sorted(tmp_path.glob("log.jsonl*"))
    assert len(logs) > 1
    lines = [line for one in logs for line in one.read_text().splitlines()]
    found += [(f"log: {line[:60]}", line) for line in lines]
    rows = [json.loads(line) for line in lines]
    assert all({"video", "stage", "plugin", "seconds", "request_id"} <= row.keys() for row in rows)
    told = {row["message"] for row in rows}
    assert {"request", "stage done", "stage failed", "asked", "video found"} <= told
    found += [("Dify heard", one.body) for one in dify.requests]
    assert len(PLANTED) > 70
    assert [(name, leaks(text)) for name, text in found if leaks(text)] == []
    assert any("sheep" in text for name, text in found if name.startswith("Dify: "))
