"""What Dify's refusals mean: the one table from status, code and words to error and hint.

Sources: the recordings of a 1.16.1 in `tests/fixtures/dify`, and Dify's own source
(`controllers/service_api/wraps.py`, `controllers/*/error.py`). Statuses alone do not tell: 403 is
a rate limit, a switched-off API, a used-up plan or an archived document; 400 is nearly everything
else, a file that is too large even without a word.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from video_rag.errors import NotFound, Rejected, Unavailable, VideoRagError
from video_rag.settings.redaction import redact

_BUSY = frozenset({408, 425, 429})
_LONGEST_MESSAGE = 300
"""Characters of Dify's words that are passed on; pydantic's can be pages."""


class Said(NamedTuple):
    """An error as Dify words it."""

    status: int = 0
    """HTTP status; in a stream, the one that the event names. 0: none."""
    code: str = ""
    """Dify's own name of the error, such as `archived_document_immutable`."""
    message: str = ""

    @property
    def is_rate_limit(self) -> bool:
        """Whether it is the cloud's limit of knowledge requests, which comes as a 403."""
        return self.status == 403 and "rate limit" in self.message.lower()


class DifyRejected(Rejected):
    """Dify refused; `said` tells what."""

    said = Said()


class DifyNotFound(NotFound):
    """Dify knows no such thing; `said` tells what."""

    said = Said()


class DifyUnavailable(Unavailable):
    """Dify cannot now; `said` tells what."""

    said = Said()


DifyError = DifyRejected | DifyNotFound | DifyUnavailable


def said_by(error: VideoRagError) -> Said:
    """What Dify said about an error; an empty code and status 0 where it said nothing."""
    return error.said if isinstance(error, DifyError) else Said()


class _Rule(NamedTuple):
    """Which errors a hint is for: all of code, status and words that are given must fit."""

    hint: str
    code: str = ""
    status: int = 0
    words: str = ""
    """A pattern that the message holds, in any case."""
    kind: type[DifyError] | None = None
    """None: what the status says."""

    def fits(self, said: Said) -> bool:
        return (
            self.code in {"", said.code}
            and self.status in {0, said.status}
            and re.search(self.words, said.message, flags=re.IGNORECASE) is not None
        )


_PLAN = "the plan of the Dify workspace is used up: upgrade it, or remove what is not needed"
_PROVIDER = "in Dify, open Settings → Model Provider"
_INDEXING = "wait until Dify has indexed it, then try again"
_ACCOUNT = "check the e-mail address and the password"

PROVIDER_IS_AWAY = (
    r"^\[[^\]]+\] (?:connection |server unavailable |rate limit )?error\b"
    r"(?!.*(?:api.?key|authori[sz]|authentic|credential|quota|bad request|not found))"
)
"""How a model's provider answers, through Dify, whose own server is away: a 400, as any error.

It is nothing but `[provider] Error` then; else it says what is wrong.
"""

_RULES = (
    # 403: told apart by words alone
    _Rule(
        "Dify's plan allows only so many knowledge requests a minute: wait, or upgrade the plan",
        status=403,
        words="rate limit",
        kind=DifyUnavailable,
    ),
    _Rule("unarchive the document in Dify, or delete it there", "archived_document_immutable"),
    _Rule(
        "switch it on in Dify: Knowledge → API access",
        status=403,
        words="dataset api access is not enabled",
    ),
    _Rule(
        "switch it on in Dify: the app → Monitoring → Backend Service API",
        status=403,
        words="api service has been disabled",
    ),
    _Rule("make a new app and a key for it", status=403, words="app no longer exists"),
    _Rule(_PLAN, status=403, words="limit of your subscription|upgrade to a paid plan"),
    # 400: nearly everything, mostly `invalid_param`
    _Rule(
        "start Dify's plugin_daemon; without it datasets cannot be listed (set dataset_id), and "
        "only keyword search works",
        words="failed to request plugin daemon",
    ),
    _Rule(
        "a server that Dify calls is down (a model's, the vector store's): start it, try again",
        status=400,
        words="connection refused",
        kind=DifyUnavailable,
    ),
    _Rule(
        "the server of a model that Dify calls does not answer: start it, try again",
        status=400,
        words=PROVIDER_IS_AWAY,
        kind=DifyUnavailable,
    ),
    _Rule("an economy dataset answers keyword_search only", words='relation "embedding_vector'),
    _Rule(f"{_PROVIDER}, and give the provider its key", "provider_not_initialize"),
    _Rule(f"{_PROVIDER}, and give the provider its key", words="credentials is not initialized"),
    _Rule(f"the quota of the model's provider is used up: {_PROVIDER}", "provider_quota_exceeded"),
    _Rule(f"{_PROVIDER}, and pick another model", "model_currently_not_support"),
    _Rule(f"{_PROVIDER}, and add the model or name another", words=r"\bmodel \S+ not exist"),
    _Rule("install the provider's plug-in in Dify", words=r"\bprovider \S+ does not exist"),
    _Rule(_INDEXING, "document_indexing"),
    _Rule(_INDEXING, "invalid_action", words="being indexed|not completed"),
    _Rule(_INDEXING, words="document is not (?:completed|available)"),
    _Rule(_INDEXING, "dataset_not_initialized"),
    _Rule(_INDEXING, "dataset_indexing_in_progress"),
    _Rule("remove the dataset from the apps that use it first", "dataset_in_use"),
    _Rule("pick another name, or set dataset_id to the one that exists", "dataset_name_duplicate"),
    _Rule("publish to a dataset of Dify's own", words="external datasets are not supported"),
    _Rule("publish the app in Dify; it must be a Chatflow", "app_unavailable"),
    _Rule("use the key of a Chatflow or another chat app", "not_chat_app"),
    _Rule("start a new conversation", "conversation_completed"),
    _Rule("it was deleted or is another user's: start a new one", words="conversation not exist"),
    # the console
    _Rule("it was deleted: import without app_id", words="^app not found", kind=DifyNotFound),
    _Rule("delete a key in Dify: API Access", words="cannot create more than .* api keys"),
    _Rule("start the server at that address, then try again", words="connect to the endpoint"),
    _Rule(_ACCOUNT, "authentication_failed"),
    _Rule(_ACCOUNT, "email_or_password_mismatch"),
    _Rule(
        "too many wrong passwords: wait a day, or set a new one in Dify",
        words="too many incorrect password attempts",
        kind=DifyRejected,
    ),
    _Rule("open Dify in a browser and make the first account", "not_setup"),
)
_NO_REASON = (
    "it gave no reason, which means that the file is larger than it takes "
    "(UPLOAD_FILE_SIZE_LIMIT) or of a type that it does not take"
)
_MAY_PASS = re.compile(
    r"connection (?:refused|reset|error)|server unavailable|rate limit|time(?:d |-)?out"
    r"|maximum retries|name resolution|name or service not known",
    flags=re.IGNORECASE,
)
"""What a run fails of that may be over soon: Dify's words for troubles of a model's server."""
_BY_STATUS = {
    400: "see Dify's message",
    401: "check the key",
    403: "check what the key may do",
    404: "it may have been deleted in Dify",
    413: "send less at once, or raise UPLOAD_FILE_SIZE_LIMIT in Dify and the proxy's limit",
    415: "send a type of file that Dify takes",
    429: "Dify is at its limit of requests: try again later",
    502: "Dify is starting, or one of its plugins failed: try again later",
    504: "a proxy before Dify gave up waiting: try again later",
}


def error_for(
    name: str, said: Said, *, retry_after: float | None = None, hint: str = ""
) -> DifyError:
    """The error that Dify's words mean; `hint` replaces the table's. `retry_after` in seconds."""
    rule = next((rule for rule in _RULES if rule.fits(said)), _Rule(_hint_of(said)))
    kind = rule.kind or _kind_of(said.status)
    error: DifyError
    if issubclass(kind, DifyUnavailable):
        error = kind(_text(name, said), hint=hint or rule.hint, retry_after=retry_after)
    else:
        error = kind(_text(name, said), hint=hint or rule.hint)
    error.said = said
    return error


def failed_run(name: str, message: str) -> DifyError:
    """The error of a run that failed; Dify gives only words, those of the node that failed."""
    text = f"{name}: the run failed: {_line(message) or 'no reason given'}"
    error: DifyError
    if _MAY_PASS.search(message):
        error = DifyUnavailable(text, hint="a server that the app calls is down or slow: try again")
    else:
        error = DifyRejected(text, hint="open the app in Dify, Logs, and see which node failed")
    error.said = Said(message=message)
    return error


def _kind_of(status: int) -> type[DifyError]:
    if status in _BUSY or status >= 500:
        return DifyUnavailable
    return DifyNotFound if status == 404 else DifyRejected


def _hint_of(said: Said) -> str:
    if said.status == 400 and said.code == "invalid_param" and not said.message:
        return _NO_REASON
    if said.status >= 500:
        return _BY_STATUS.get(said.status, "see the log of Dify's api container; try again later")
    return _BY_STATUS.get(said.status, "see Dify's message")


def _text(name: str, said: Said) -> str:
    # the guess at what else was meant, which Flask adds to every 404, helps nobody
    message = said.message.partition(" You have requested this URI")[0]
    told = [part for part in map(_line, (said.code, message)) if part]
    answered = f"{name} answered {said.status}" if said.status else name
    return ": ".join([answered, *told])


def _line(words: str) -> str:
    """Dify's words on one line, without secrets, and not too many."""
    return redact(" ".join(words.split()))[:_LONGEST_MESSAGE]
