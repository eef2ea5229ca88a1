"""The table `[blobs]`: where results lie, and how buckets are reached."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from video_rag.settings.kinds import OptionalFile, Section, absolute

SCHEMES = ("s3", "gs", "az")
"""Amazon S3 and all that speaks it · Google Cloud Storage · Azure Blob Storage"""
_OTHERS = {
    **dict.fromkeys(("oss", "cos", "cosn", "minio", "s3a", "s3n", "r2", "obs", "b2", "tos"), "s3"),
    **dict.fromkeys(("gcs",), "gs"),
    **dict.fromkeys(("abfs", "abfss", "adl", "azure", "wasb", "wasbs"), "az"),
}
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}")

_ADDRESS = re.compile(
    r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[\w.~-]*)*", flags=re.ASCII
)


def is_bucket(place: Any) -> bool:
    """Whether a place is a bucket's URL, not a folder."""
    return isinstance(place, str) and "://" in place


def place(value: Any) -> Path | str:
    """A folder, absolute, or the URL of a bucket without its last slash; `file:///…` is a folder.

    Raises `ValueError`, without repeating what may hold a login.
    """
    if not is_bucket(value):
        return absolute(value)
    scheme, _, rest = value.strip().partition("://")
    scheme = scheme.lower()
    if scheme == "file":
        return absolute(unquote(urlsplit(value.strip()).path))
    if instead := _OTHERS.get(scheme):
        raise ValueError(
            f"{scheme}:// is written {instead}://bucket/prefix"
            + (", with the server as [blobs] endpoint" if instead == "s3" else "")
        )
    if scheme not in SCHEMES:
        known = ", ".join(f"{one}://" for one in SCHEMES)
        raise ValueError(f"must be a folder, or a bucket's URL that begins with {known}")
    if "@" in rest.partition("/")[0]:
        raise ValueError("must hold no key: set access_key_id and secret_access_key in [blobs]")
    bucket, _, prefix = rest.partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError(f"must name a bucket: {scheme}://bucket/prefix")
    parts = [part for part in prefix.split("/") if part]
    if any(part in {".", ".."} for part in parts):
        raise ValueError("must not hold . or .. between its slashes")
    return "/".join([f"{scheme}://{bucket}", *parts])


Place = Annotated[Path | str, BeforeValidator(place)]
"""A folder, or the URL of a bucket."""


class BlobsSettings(Section):
    """Where results lie, and how buckets are reached: those of `[library]`, too."""

    url: Place = Field(
        description="Folder or bucket for results and pictures: `s3://bucket/prefix`, `gs://…`, "
        "`az://…`.",
        json_schema_extra={"default": "<home>/blobs"},
    )
    endpoint: str = Field(
        "",
        description="Address of a server that speaks S3 (MinIO, Alibaba OSS, Tencent COS), or of "
        "another Azure; unset: the provider's own.",
    )
    region: str = Field("", description="Region of the bucket; unset: the environment's.")
    virtual_hosted_style: bool = Field(
        False,
        description="Whether the bucket is a part of the host name (`bucket.endpoint`), as "
        "Alibaba OSS and Tencent COS want it.",
    )
    access_key_id: str = Field(
        "", description="Key of an S3 bucket; unset: the environment's, or the machine's role."
    )
    secret_access_key: SecretStr | None = Field(
        None, description="The secret that belongs to `access_key_id`."
    )
    session_token: SecretStr | None = Field(
        None, description="Token of a key that is valid for a while."
    )
    account_name: str = Field("", description="Storage account of an Azure container.")
    account_key: SecretStr | None = Field(None, description="Key of that storage account.")
    service_account: OptionalFile = Field(
        None, description="Key file (JSON) of a Google service account."
    )
    scratch_bytes: int = Field(
        20 * 1024**3,
        ge=1024**2,
        description="Most bytes that copies of a bucket's media take on this machine while they "
        "are worked on.",
    )

    @field_validator("endpoint")
    @classmethod
    def _an_address(cls, value: str) -> str:
        """Without its last slash."""
        if "@" in value:
            raise ValueError("must hold no key: set access_key_id and secret_access_key")
        if value and not _ADDRESS.fullmatch(value):
            raise ValueError("must be an address such as http://127.0.0.1:9000")
        return value.rstrip("/")
