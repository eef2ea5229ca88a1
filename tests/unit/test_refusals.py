from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.errors import DiskError, Unavailable
from video_rag.stores.refusals import code_of, refusal

WHERE = "s3://bucket/prefix"


def said(status: str, code: str = "", more: str = "") -> str:
    """As the library gives an answer of a server that speaks S3."""
    body = f"<Error><Code>{code}</Code><Message>m</Message>{more}</Error>" if code else ""
    return (
        f"Generic S3 error: Error performing PUT http://127.0.0.1:9000/bucket/prefix/x in 4ms - "
        f"Server returned non-2xx status code: {status}: {body}\n\nDebug source:\nGeneric {{"
    )


AZURE = said("403 Forbidden").replace(": \n", ': {"error":{"code":"AuthenticationFailed"}}\n')
GOOGLE = said("404 Not Found").replace(
    ": \n", ': {"error": {"message": "The specified bucket does not exist."}}\n'
)
TO_MEND = {
    said("404 Not Found", "NoSuchBucket"): "there is no bucket s3://bucket (NoSuchBucket)",
    GOOGLE: "there is no bucket s3://bucket",
    said("403 Forbidden", "InvalidAccessKeyId"): "refuses the key (InvalidAccessKeyId)",
    said("403 Forbidden", "SignatureDoesNotMatch"): "refuses the key (SignatureDoesNotMatch)",
    said("400 Bad Request", "ExpiredToken"): "refuses the key (ExpiredToken)",
    said("401 Unauthorized"): "refuses the key (HTTP 401)",
    AZURE: "refuses the key (AuthenticationFailed)",
    said("403 Forbidden", "AccessDenied"): "may not read, write, list and delete",
    said("403 Forbidden"): "may not read, write, list and delete",
    said("403 Forbidden", "QuotaExceeded"): "no space left in the bucket",
    said("507 Insufficient Storage", "XMinioStorageFull"): "no space left in the bucket",
    said("400 Bad Request", "XMinioAdminBucketQuotaExceeded"): "no space left in the bucket",
    said("507 Insufficient Storage"): "no space left in the bucket",
    said("403 Forbidden", "RequestTimeTooSkewed"): "has another time than this machine",
    said("301 Moved Permanently", "PermanentRedirect"): "of another region",
    said("403 Forbidden", "SecondLevelDomainForbidden"): "another form of address",
    said("400 Bad Request", "InvalidArgument"): "refused a request (InvalidArgument)",
    "Error getting credentials from http://169.254.169.254/latest": "there is no key for",
}
PASSING = {
    said("503 Service Unavailable", "SlowDown"): "answers with an error (SlowDown)",
    said("500 Internal Server Error"): "answers with an error (HTTP 500)",
    said("429 Too Many Requests"): "answers with an error (HTTP 429)",
    said("408 Request Timeout", "RequestTimeout"): "answers with an error (RequestTimeout)",
    "Generic S3 error: after 9 retries - HTTP error: error sending request": "does not answer",
    "operation timed out": "does not answer",
}


@pytest.mark.parametrize("text", TO_MEND)
def test_what_a_person_must_mend_is_told_with_the_remedy_and_is_due_at_once(text: str) -> None:
    error = refusal(text, WHERE)
    assert isinstance(error, DiskError)
    assert TO_MEND[text] in str(error)
    assert error.hint
    assert "\n" not in f"{error}{error.hint}"


@pytest.mark.parametrize("text", PASSING)
def test_what_waiting_may_mend_is_tried_again(text: str) -> None:
    error = refusal(text, WHERE)
    assert type(error) is Unavailable
    assert PASSING[text] in str(error)
    assert "nothing is lost" in error.hint


@given(more=st.text(max_size=60), status=st.integers(min_value=100, max_value=599), code=st.text())
def test_nothing_that_a_server_quotes_is_repeated(more: str, status: int, code: str) -> None:
    """The key's id, what was signed and the signature stand in its answer."""
    signed = "AWS4-HMAC-SHA256 geheim/20261127"
    text = said(f"{status} X", "AccessDenied", f"<StringToSign>{signed}{more}</StringToSign>")
    error = refusal(text, WHERE)
    assert signed not in f"{error}{error.hint}"
    assert len(str(refusal(code, WHERE))) < 200


def test_the_code_is_found_in_xml_and_json() -> None:
    assert code_of("<Error><Code>NoSuchKey</Code>") == "NoSuchKey"
    assert code_of('{"error": {"code": "BlobNotFound"}}') == "BlobNotFound"
    assert code_of("nothing") == ""
