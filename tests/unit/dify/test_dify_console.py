"""The console against recorded answers, hand-made logins and refusals."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest
import stamina

from replay import Replayed, Reply, recorded, replay
from video_rag.dify.console import Console, console_url
from video_rag.dify.errors import said_by
from video_rag.dify.events import Ended, Piece
from video_rag.errors import NotFound, Rejected, Unavailable

API = "/console/api"
APP = "a2a6478c-aaa2-4495-8339-76412619aac6"
COOKIES = ["access_token=aaa; HttpOnly; Path=/; SameSite=Lax", "refresh_token=rrr; HttpOnly"]
COOKIES += ["csrf_token=ccc; Path=/; Max-Age=3600", "locale=en"]
UNAUTHORIZED = {"code": "unauthorized", "message": "Token has expired.", "status": 401}


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


def login(*cookies: str) -> Reply:
    """The recorded login, with the cookies that recordings leave out."""
    headers = {"Set-Cookie": list(cookies or COOKIES), "Content-Type": "application/json"}
    return replace(recorded("chatflow/console-01-login"), headers=headers)


def reply(method: str, path: str, body: Any = b"", status: int = 200) -> Reply:
    return Reply(method, f"{API}{path}", status, body)


@contextmanager
def console_with(*replies: Reply | str) -> Iterator[tuple[Console, Replayed]]:
    with replay(login(), *replies) as server, ExitStack() as opened:
        console = Console.log_in(
            f"{server.url}/v1", email="admin@example.com", password="Passw0rd-local"
        )
        opened.callback(console.close)
        yield console, server


# login


def test_a_person_logs_in_with_cookies_and_a_token_against_forged_requests() -> None:
    with console_with(reply("GET", "/apps/1", {"id": "1"})) as (console, server):
        assert console.app("1") == {"id": "1"}
    first, second = server.asked
    assert base64.b64decode(first.json["password"]) == b"Passw0rd-local"
    assert second.headers["cookie"] == "access_token=aaa; refresh_token=rrr; csrf_token=ccc"
    assert second.headers["x-csrf-token"] == "ccc"


def test_cookies_of_https_are_sent_by_their_longer_names() -> None:
    secure = [f"__Host-{one}; Secure" for one in COOKIES[:3]]
    with replay(login(*secure), reply("GET", "/apps/1", {})) as server:
        console = Console.log_in(server.url, email="admin@example.com", password="Passw0rd-local")
        console.app("1")
        console.close()
    headers = server.asked[1].headers
    assert headers["cookie"].startswith("__Host-access_token=aaa; __Host-refresh_token=rrr")
    assert headers["x-csrf-token"] == "ccc"


def test_a_login_that_ran_out_is_renewed_once() -> None:
    expired = reply("GET", "/apps/1", UNAUTHORIZED, 401)
    with console_with(expired, reply("GET", "/apps/1", {"id": "1"})) as (console, server):
        assert console.app("1") == {"id": "1"}
    paths = [one.path.removeprefix(API) for one in server.asked]
    assert paths == ["/login", "/apps/1", "/login", "/apps/1"]


def test_a_login_that_never_helps_is_not_tried_for_ever() -> None:
    with (
        console_with(reply("GET", "/apps/1", UNAUTHORIZED, 401)) as (console, server),
        pytest.raises(Rejected) as caught,
    ):
        console.app("1")
    assert len(server.asked) == 4
    assert "console_password" in caught.value.hint


@pytest.mark.parametrize(
    ("status", "said", "hint"),
    [
        (401, {"code": "authentication_failed", "message": "Invalid email or password."}, "check"),
        (400, {"code": "email_or_password_mismatch", "message": "mismatched"}, "check"),
        (
            429,
            {
                "code": "email_code_login_limit",
                "message": "Too many incorrect password attempts. Please try again later.",
            },
            "wait a day",
        ),
        (401, {"code": "not_setup", "message": "Dify has not been initialized"}, "first account"),
        (200, {"result": "fail", "data": "workspace not found"}, "web page"),
        (200, {"result": "success"}, "web page"),
    ],
)
def test_a_failed_login_is_tried_once_and_says_what_to_do(
    status: int, said: dict[str, str], hint: str
) -> None:
    with replay(reply("POST", "/login", said, status)) as server:
        with pytest.raises(Rejected) as caught:
            Console.log_in(server.url, email="a@b.c", password="s3cret-pass")
        assert len(server.asked) == 1
    assert hint in caught.value.hint
    assert "s3cret" not in str(caught.value)


def test_the_servers_admin_key_needs_no_login() -> None:
    with replay("no-daemon/adm-02-import") as server:
        console = Console.with_admin_key(server.url, admin_key="local-admin-key", workspace_id="w")
        recording = recorded("no-daemon/adm-02-import")
        imported = console.import_app(recording.asks["yaml_content"])
        console.close()
    assert imported.app_id == "98eb4c9c-e2e2-45ee-bbe7-c3920acb31f5"
    headers = server.asked[0].headers
    assert headers["authorization"] == "Bearer local-admin-key"
    assert headers["x-workspace-id"] == "w"
    assert "cookie" not in headers


def test_a_wrong_admin_key_is_told() -> None:
    with replay(reply("GET", "/apps/1", UNAUTHORIZED, 401)) as server:
        console = Console.with_admin_key(server.url, admin_key="wrong", workspace_id="w")
        with pytest.raises(Rejected) as caught:
            console.app("1")
        console.close()
        assert len(server.asked) == 1
    assert "ADMIN_API_KEY_ENABLE" in caught.value.hint


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("https://dify.example/v1", "https://dify.example/console/api"),
        ("https://dify.example/v1/", "https://dify.example/console/api"),
        ("http://127.0.0.1:5001", "http://127.0.0.1:5001/console/api"),
        ("https://dify.example/console/api", "https://dify.example/console/api"),
        ("https://dify.example/sub/v1", "https://dify.example/sub/console/api"),
        ("https://api.dify.ai/v1", "https://cloud.dify.ai/console/api"),
        ("https://cloud.dify.ai", "https://cloud.dify.ai/console/api"),
    ],
)
def test_the_console_is_found_from_any_address_of_a_dify(given: str, found: str) -> None:
    assert console_url(given) == found


def test_another_server_in_its_place_is_told() -> None:
    with (
        replay(reply("POST", "/login", "<html>Not Found</html>", 404)) as server,
        pytest.raises(Rejected) as caught,
    ):
        Console.log_in(server.url, email="a@b.c", password="p")
    assert "console_url" in caught.value.hint


# apps


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("chatflow/con-20-import", "completed"),
        ("chatflow/con-20d-import-older-version", "completed-with-warnings"),
    ],
)
def test_a_dsl_becomes_an_app(name: str, status: str) -> None:
    recording = recorded(name)
    with console_with(name) as (console, _):  # the body must be the recorded one
        imported = console.import_app(recording.asks["yaml_content"])
    assert (imported.app_id, imported.status) == (recording.body["app_id"], status)
    assert imported.server_version == "0.7.0"


def test_an_app_is_overwritten_by_its_id() -> None:
    recording = recorded("chatflow/con-20g-import-update-same-app")
    with console_with(replace(recording, asks=None)) as (console, server):
        imported = console.import_app("kind: app", app_id=APP, name="Talks")
    assert imported.app_id == APP
    assert server.asked[1].json == {
        "mode": "yaml-content",
        "yaml_content": "kind: app",
        "app_id": APP,
        "name": "Talks",
    }


def test_a_dsl_newer_than_the_server_is_confirmed() -> None:
    pending = recorded("chatflow/con-20b-import-newer-version")
    with console_with(pending, "chatflow/con-20c-import-confirm") as (console, server):
        imported = console.import_app(pending.asks["yaml_content"])
    assert imported.app_id == "d62e10f0-d358-40ad-9ac6-a6fb202329a5"
    assert imported.version == "0.9.0"
    assert server.asked[-1].path.endswith("/confirm")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("chatflow/con-20e-import-float-version", "Invalid version type"),
        ("chatflow/con-20f-import-bad-yaml", "Invalid YAML format"),
    ],
)
def test_a_dsl_that_dify_cannot_read_is_rejected_in_its_words(name: str, words: str) -> None:
    with (
        console_with(name) as (console, _),
        pytest.raises(Rejected, match=words) as caught,
    ):
        console.import_app(recorded(name).asks["yaml_content"])
    assert caught.value.hint


@pytest.mark.parametrize("status", ["failed", "pending"])
def test_an_import_without_an_app_is_rejected(status: str) -> None:
    answer = {"id": "i", "status": status, "app_id": None, "error": "no\nway"}
    confirm = reply("POST", "/apps/imports/i/confirm", {**answer, "status": "failed"})
    with (
        console_with(reply("POST", "/apps/imports", answer), confirm) as (console, _),
        pytest.raises(Rejected, match="no way"),
    ):
        console.import_app("x")


def test_an_app_that_was_deleted_is_not_found() -> None:
    answer = {"id": "i", "status": "failed", "app_id": None, "error": "App not found"}
    with (
        console_with(reply("POST", "/apps/imports", answer, 400)) as (console, _),
        pytest.raises(NotFound) as caught,
    ):
        console.import_app("x", app_id=APP)
    assert "without app_id" in caught.value.hint


def test_warnings_of_an_import_are_kept_as_words() -> None:
    answer = {"id": "i", "status": "completed-with-warnings", "app_id": "a"}
    warnings = ["plain", {"code": "w", "message": "a plug-in is missing"}]
    with console_with(reply("POST", "/apps/imports", {**answer, "warnings": warnings})) as (
        console,
        _,
    ):
        assert console.import_app("x").warnings == ("plain", "a plug-in is missing")


def test_an_app_is_checked_read_and_published() -> None:
    names = ["chatflow/con-21-check-dependencies", "chatflow/con-22-draft"]
    with console_with(*names, "chatflow/con-23-publish") as (console, _):
        assert console.check_dependencies(APP) == []
        assert console.draft(APP)["graph"]["nodes"][0]["id"] == "start"
        console.publish(APP, name="v1")


def test_names_and_comments_of_versions_are_cut_to_what_dify_takes() -> None:
    path = f"/apps/{APP}/workflows/publish"
    with console_with(reply("POST", path, {"result": "success"})) as (console, server):
        console.publish(APP, name="n" * 50, comment="c" * 500)
    assert server.asked[-1].json == {"marked_name": "n" * 20, "marked_comment": "c" * 100}


@pytest.mark.parametrize(
    ("app", "page"),
    [
        (
            {"site": {"access_token": "tok", "app_base_url": "https://d.ex/"}},
            "https://d.ex/chat/tok",
        ),
        ({"site": {"code": "tok", "app_base_url": "https://d.ex"}}, "https://d.ex/chat/tok"),
        ({"site": {"access_token": "tok", "app_base_url": None}}, "SERVER/chat/tok"),
        ({"site": {"access_token": "tok"}, "enable_site": False}, ""),
        ({"site": None}, ""),
        ({}, ""),
    ],
)
def test_the_address_of_the_chat_page_is_found(app: dict[str, Any], page: str) -> None:
    with console_with(reply("GET", f"/apps/{APP}", app)) as (console, server):
        assert console.chat_page(APP) == page.replace("SERVER", server.url)


def test_a_draft_is_tried_with_a_login_that_still_holds() -> None:
    answer = recorded("chatflow/chat-11-streaming")
    path = f"{API}/apps/{APP}/advanced-chat/workflows/draft/run"
    expired = reply("GET", f"/apps/{APP}/workflows/draft", UNAUTHORIZED, 401)
    run = replace(answer, path=path, asks=None)
    with console_with(expired, "chatflow/con-22-draft", run) as (console, server):
        found = list(console.try_draft(APP, "What about chunking?"))
    assert isinstance(found[-1], Ended)
    assert any(isinstance(event, Piece) for event in found)
    assert server.asked[-1].json == {"query": "What about chunking?", "inputs": {}, "files": []}
    assert server.asked[-1].headers["x-csrf-token"] == "ccc"


def test_a_trial_that_is_left_is_stopped() -> None:
    path = f"{API}/apps/{APP}/advanced-chat/workflows/draft/run"
    run = replace(recorded("chatflow/chat-11-streaming"), path=path, asks=None)
    with console_with("chatflow/con-22-draft", run) as (console, server):
        trial = console.try_draft(APP, "q")
        next(trial)
        trial.close()  # type: ignore[attr-defined]  # it is a generator
    task = "dc6d2980-2671-443c-9a6b-c88474b139dd"
    assert server.asked[-1].path == f"{API}/apps/{APP}/chat-messages/{task}/stop"


# keys and models


def test_a_key_that_exists_is_used_again() -> None:
    rows = {"data": [{"id": "1", "token": "app-1"}, {"id": "2", "token": "app-2"}]}
    with console_with(reply("GET", f"/apps/{APP}/api-keys", rows)) as (console, server):
        assert console.make_app_key(APP) == "app-1"
        assert console.app_keys(APP) == ["app-1", "app-2"]
    assert {one.method for one in server.asked[1:]} == {"GET"}


@pytest.mark.parametrize("rows", [[], [{"id": "1", "token": "app-****cdef"}], None])
def test_the_first_key_is_made(rows: Any) -> None:
    none_yet = reply("GET", f"/apps/{APP}/api-keys", {"data": rows})
    with console_with(none_yet, "chatflow/con-25-app-api-key") as (console, _):
        assert console.make_app_key(APP) == "app-REDACTED"


def test_a_key_of_the_knowledge_api_is_made() -> None:
    names = ["smoke/03-dataset-keys", "no-daemon/console-02-dataset-api-key"]
    with console_with(*names) as (console, _):
        assert console.make_dataset_key() == "dataset-REDACTED"


def test_too_many_keys_are_told() -> None:
    path = f"/apps/{APP}/api-keys"
    words = "Cannot create more than 10 API keys for this resource type."
    full = reply("POST", path, {"message": words, "custom": "max_keys_exceeded"}, 400)
    with (
        console_with(reply("GET", path, {"data": []}), full) as (console, _),
        pytest.raises(Rejected, match="more than 10") as caught,
    ):
        console.make_app_key(APP)
    assert "delete a key" in caught.value.hint


def test_models_and_the_chosen_one_are_listed() -> None:
    provider = {"provider": "langgenius/openai/openai", "models": [{"model": "m"}]}
    listed = reply("GET", "/workspaces/current/models/model-types/rerank", {"data": [provider]})
    default = reply("GET", "/workspaces/current/default-model", {"data": {"model": "m"}})
    with console_with("smoke/02-llm-models", listed, default) as (console, server):
        assert console.models("llm") == []
        assert console.models("rerank") == [provider]
        assert console.default_model("llm") == {"model": "m"}
    assert server.asked[-1].query == {"model_type": "llm"}


# external knowledge


def test_a_server_of_external_knowledge_is_registered_and_used() -> None:
    api = recorded("external/ext-01-create-api")
    made = recorded("external/ext-02-create-dataset-kb-ok")
    with console_with(api, made) as (console, _):  # the bodies must be the recorded ones
        key = api.asks["settings"]["api_key"]
        api_id = console.make_external_api(api.asks["name"], "http://127.0.0.1:5604/", key)
        dataset = console.make_external_dataset(made.asks["name"], api_id, "kb-ok", 3, 0.5)
    assert api_id == "b967261d-82a4-4c77-888b-605ae382d837"
    assert dataset == "8c19e68a-03d8-47d9-8a3a-3342c6dadf90"


def test_without_a_threshold_none_is_applied() -> None:
    made = reply("POST", "/datasets/external", {"id": "d"}, 201)
    with console_with(made) as (console, server):
        assert console.make_external_dataset("n", "a", "k", 5) == "d"
    sent = server.asked[-1].json["external_retrieval_model"]
    assert sent == {"top_k": 5, "score_threshold": 0.0, "score_threshold_enabled": False}


def test_a_server_that_dify_cannot_reach_is_told() -> None:
    name = "external/ext-01c-create-api-unreachable"
    sent = recorded(name).asks
    with console_with(name) as (console, _), pytest.raises(Rejected) as caught:
        console.make_external_api(
            sent["name"], sent["settings"]["endpoint"], sent["settings"]["api_key"]
        )
    assert "start the server" in caught.value.hint
    assert sent["settings"]["api_key"] not in str(caught.value)


def test_servers_of_external_knowledge_are_listed_page_by_page_and_changed() -> None:
    path = "/datasets/external-knowledge-api"
    pages = [
        Reply("GET", f"{API}{path}", 200, body, query={"page": page, "limit": "100"})
        for page, body in (
            ("1", {"data": [{"id": "1"}], "has_more": True}),
            ("2", {"data": [{"id": "2"}], "has_more": False}),
        )
    ]
    changed = reply("PATCH", f"{path}/1", {"id": "1"})
    with console_with(*pages, changed) as (console, server):
        assert [one["id"] for one in console.external_apis()] == ["1", "2"]
        console.change_external_api("1", "n", "http://x", "k")
    sent = server.asked[-1].json
    assert sent == {"name": "n", "settings": {"endpoint": "http://x", "api_key": "k"}}


def test_a_console_that_is_down_is_unavailable_and_what_it_said_is_kept() -> None:
    busy = reply("GET", "/apps/1", {"code": "internal_server_error", "message": "oops"}, 500)
    with console_with(busy) as (console, _), pytest.raises(Unavailable) as caught:
        console.app("1")
    assert said_by(caught.value).code == "internal_server_error"
