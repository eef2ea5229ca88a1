"""What a bucket refuses, in our words: its key, its name, its room, its region, or any answer.

The library gives an answer as text (`… status code: 403 Forbidden: <Error><Code>…`), which also
holds the request's key id and what was signed: only the status and the code are taken from it.
What a person has to mend is a `DiskError`, so that what failed for it is due at once.
"""

from __future__ import annotations

import re

from video_rag.errors import BackendError, DiskError, Unavailable

_CODE = re.compile(
    r"<Code>\s*([\w.]+)\s*</Code>|[\"'](?:code|reason|error)[\"']\s*:\s*[\"']([\w.]+)"
)
_STATUS = re.compile(r"status code: (\d{3})")
_NO_BUCKET = frozenset({"NoSuchBucket", "ContainerNotFound", "InvalidBucketName"})
_NO_BUCKET_WORDS = "The specified bucket does not exist"
_WRONG_KEY = frozenset(
    {
        *("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken"),
        *("AuthenticationFailed", "InvalidSecurity", "TokenRefreshRequired", "invalid_grant"),
        *("InvalidSecurityToken", "SecurityTokenExpired", "MissingSecurityHeader"),
        *("UnauthorizedAccess", "authError", "InvalidAuthenticationInfo", "MissingAuthentication"),
    }
)
_CLOCK = frozenset({"RequestTimeTooSkewed", "RequestExpired", "RequestTimeTooOld"})
_REGION = frozenset(
    {
        *("AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect"),
        *("IllegalLocationConstraintException", "InvalidRegion", "SecondLevelDomainForbidden"),
    }
)
_FULL = frozenset(
    {
        *("QuotaExceeded", "quotaExceeded", "XMinioAdminBucketQuotaExceeded", "XMinioStorageFull"),
        *("InsufficientStorage", "StorageFull", "InsufficientCapacity", "StorageQuotaExceeded"),
        *("BucketQuotaExceeded", "AccountStorageLimitExceeded", "InsufficientAccountQuota"),
        "CapacityLimitExceeded",
    }
)
_CLOSED = frozenset(
    {
        *("AccessDenied", "AllAccessDisabled", "AuthorizationFailure", "forbidden", "UserDisable"),
        *("AuthorizationPermissionMismatch", "InsufficientAccountPermissions", "AccountProblem"),
        *("KmsAccessDenied", "InvalidObjectState", "ObjectLocked", "FileImmutable"),
    }
)
_SLOW = frozenset({"SlowDown", "ServerBusy", "TooManyRequests", "Throttling", "RequestTimeout"})
_NO_KEY = ("credential", "169.254.", "metadata.google", "Token request", "instance metadata")

AGAIN = "nothing is lost: what was not done is tried again"


def code_of(text: str) -> str:
    """The code of a refusal, such as `NoSuchKey`; empty when there is none."""
    found = _CODE.search(text)
    return (found[1] or found[2]) if found else ""


def is_of_the_bucket(text: str) -> bool:
    """Whether "not found" is said of the bucket, not of a file in it."""
    return code_of(text) in _NO_BUCKET or _NO_BUCKET_WORDS in text


def refusal(text: str, where: str) -> BackendError:
    """The error of ours for what the library says of a request to a bucket."""
    code, status = code_of(text), _status(text)
    said = f" ({code})" if code else f" (HTTP {status})" if status else ""
    if is_of_the_bucket(text):
        return DiskError(
            f"there is no bucket {_bucket(where)}{said}",
            hint="make it, or mend its name in [blobs] url and [library] of the settings",
        )
    if code in _FULL or status == 507:
        return DiskError(
            f"no space left in the bucket {where}{said}",
            hint="raise its quota or free some, then `video-rag run`: it goes on",
        )
    if code in _CLOCK:
        return DiskError(
            f"the bucket {where} has another time than this machine{said}",
            hint="set the clock of this machine (`timedatectl`)",
        )
    if code in _REGION or status == 301:
        return DiskError(
            f"the bucket {where} is of another region, or wants another form of address{said}",
            hint="set region, and virtual_hosted_style, in [blobs]",
        )
    return _of_access(text, where, code, status, said)


def _of_access(text: str, where: str, code: str, status: int, said: str) -> BackendError:
    if code in _WRONG_KEY or status == 401:
        return DiskError(
            f"the bucket {where} refuses the key{said}",
            hint="set access_key_id and secret_access_key in [blobs] "
            "(VIDEO_RAG_BLOBS__SECRET_ACCESS_KEY_FILE names a file)",
        )
    if code in _CLOSED or status == 403:
        return DiskError(
            f"the key may not read, write, list and delete in the bucket {where}{said}",
            hint="give it these four rights there, or set another key in [blobs]",
        )
    if not status and any(word in text for word in _NO_KEY):
        return DiskError(
            f"there is no key for the bucket {where}, and this machine has no role that gives one",
            hint="set access_key_id and secret_access_key in [blobs], or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY",
        )
    if status and status < 500 and status not in (408, 429) and code not in _SLOW:
        return DiskError(
            f"the bucket {where} refused a request{said}",
            hint="look at [blobs] in the settings, and at the server's log",
        )
    what = f"answers with an error{said}" if status else "does not answer"
    return Unavailable(f"the bucket {where} {what}", hint=f"look whether it is up; {AGAIN}")


def _status(text: str) -> int:
    found = _STATUS.search(text)
    return int(found[1]) if found else 0


def _bucket(where: str) -> str:
    return "/".join(where.split("/")[:3])
