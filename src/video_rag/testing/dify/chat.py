"""Routes of the chat API: questions to an app, and the conversations that they are kept in."""

from __future__ import annotations

from collections.abc import Callable

from video_rag.testing.dify.calls import Call
from video_rag.testing.dify.records import Conversation
from video_rag.testing.dify.talks import (
    ChatRequestPayload,
    Talk,
    blocking,
    streamed,
)
from video_rag.testing.dify.wire import (
    NO_CONTENT,
    ApiError,
    Reply,
    Request,
    Routes,
    invalid,
    not_found,
    validated,
)

routes = Routes("/v1")


@routes.add("POST", "/chat-messages")
def ask(call: Call) -> Reply | Callable[[], Reply]:
    """A question. The run goes on outside the world's lock."""
    app = call.world.app_of(call.request)
    user = _user(call.request)
    asked = validated(ChatRequestPayload, call.request.json)
    if app.published is None:
        raise invalid("Workflow not published")
    talk = Talk(call.world, app, app.published, asked, user)
    return (
        (lambda: streamed(talk)) if asked.response_mode == "streaming" else (lambda: blocking(talk))
    )


@routes.add("POST", "/chat-messages/{task:any}/stop")
def stop(call: Call) -> Reply:
    """Stop a run; one that is over or unknown is no error."""
    call.world.app_of(call.request)
    _user(call.request)
    if running := call.world.running.get(call.ids["task"]):
        running.set()
    return Reply({"result": "success"})


@routes.add("POST", "/completion-messages")
def complete(call: Call) -> Reply:
    """Not for chat apps."""
    call.world.app_of(call.request)
    said = "App unavailable, please check your app configurations."
    raise ApiError(400, "app_unavailable", said)


@routes.add("GET", "/info")
def info(call: Call) -> Reply:
    """What the app is."""
    app = call.world.app_of(call.request)
    return Reply(
        {
            "name": app.name,
            "description": app.description,
            "tags": [],
            "mode": app.mode,
            "author_name": "admin",
        }
    )


@routes.add("GET", "/meta")
def meta(call: Call) -> Reply:
    """Icons of tools."""
    call.world.app_of(call.request)
    return Reply({"tool_icons": {}})


@routes.add("GET", "/site")
def site(call: Call) -> Reply:
    """How the app's own page looks."""
    app = call.world.app_of(call.request)
    unset = ("chat_color_theme", "description", "copyright", "privacy_policy", "icon_url")
    return Reply(
        {
            "title": app.site_title,
            **dict.fromkeys(unset),
            "input_placeholder": None,
            "chat_color_theme_inverted": False,
            **app.icon,
            "custom_disclaimer": "",
            "default_language": "en-US",
            "show_workflow_steps": True,
            "use_icon_as_answer_icon": False,
        }
    )


@routes.add("GET", "/parameters")
def parameters(call: Call) -> Reply:
    """What the app asks for and offers."""
    flow = call.world.app_of(call.request).published
    features = flow.features if flow else {}
    off = {"enabled": False}
    return Reply(
        {
            "opening_statement": features.get("opening_statement", ""),
            "suggested_questions": features.get("suggested_questions", []),
            **{
                name: features.get(name, off)
                for name in (
                    "suggested_questions_after_answer",
                    "speech_to_text",
                    "text_to_speech",
                    "retriever_resource",
                    "sensitive_word_avoidance",
                    "file_upload",
                )
            },
            "annotation_reply": off,
            "more_like_this": off,
            "user_input_form": [{one["type"]: one} for one in (flow.form if flow else [])],
            "system_parameters": {
                "image_file_size_limit": 10,
                "video_file_size_limit": 100,
                "audio_file_size_limit": 50,
                "file_size_limit": 15,
                "workflow_file_upload_limit": 10,
            },
        }
    )


def _user(request: Request) -> str:
    user = request.object.get("user") or request.query.get("user")
    if not user:
        raise invalid("Arg user must be provided.")
    return str(user)


def _own(call: Call) -> Conversation:
    app, user = call.world.app_of(call.request), _user(call.request)
    id_ = call.ids.get("conversation") or call.request.query.get("conversation_id", "")
    found = call.world.conversations.get(id_)
    if found is None or (found.app_id, found.user) != (app.id, user):
        raise not_found("Conversation Not Exists.")
    return found


@routes.add("GET", "/conversations")
def list_conversations(call: Call) -> Reply:
    """A user's conversations, the newest first."""
    app, user = call.world.app_of(call.request), _user(call.request)
    limit = call.request.number("limit", 20)
    rows = [
        one
        for one in reversed(call.world.conversations.values())
        if (one.app_id, one.user) == (app.id, user)
    ]
    if last := call.request.query.get("last_id"):
        places = [place for place, one in enumerate(rows) if one.id == last]
        rows = rows[places[0] + 1 :] if places else []
    data = [one.json() for one in rows[:limit]]
    return Reply({"limit": limit, "has_more": len(rows) > limit, "data": data})


@routes.add("GET", "/messages")
def list_messages(call: Call) -> Reply:
    """The messages of a conversation."""
    limit = call.request.number("limit", 20)
    messages = _own(call).messages
    shown = messages[-limit:]
    return Reply({"limit": limit, "has_more": len(messages) > limit, "data": shown})


@routes.add("POST", "/conversations/{conversation}/name")
def rename(call: Call) -> Reply:
    """Another name for a conversation."""
    found = _own(call)
    found.name = str(call.request.object.get("name") or found.name)
    return Reply(found.json())


@routes.add("GET", "/conversations/{conversation}/variables")
def variables(call: Call) -> Reply:
    """Conversation variables; the fixture's apps have none."""
    _own(call)
    return Reply({"limit": 20, "has_more": False, "data": []})


@routes.add("DELETE", "/conversations/{conversation}")
def delete(call: Call) -> Reply:
    """Forget a conversation."""
    del call.world.conversations[_own(call).id]
    return NO_CONTENT


@routes.add("POST", "/messages/{message}/feedbacks")
def feedback(call: Call) -> Reply:
    """Like or dislike."""
    call.world.app_of(call.request)
    return Reply({"result": "success"})


@routes.add("GET", "/messages/{message}/suggested")
def suggested(call: Call) -> Reply:
    """Questions to go on with, which the fixture's apps do not offer."""
    call.world.app_of(call.request)
    raise ApiError(400, "bad_request", "Suggested Questions Is Disabled.")
