"""The table `[backup]`: where backups go, and what opens them."""

from __future__ import annotations

from pydantic import Field, SecretStr

from video_rag.settings.buckets import Place
from video_rag.settings.kinds import Section


class BackupSettings(Section):
    """Where backups go, and what opens them."""

    to: Place = Field(
        description="Folder or bucket for backups, best on another disk: `/mnt/nas/video-rag`, "
        "`s3://bucket/prefix`; a bucket is reached as `[blobs]` says.",
        json_schema_extra={"default": "<home>/backups"},
    )
    passphrase: SecretStr | None = Field(
        None,
        description="Passphrase, or key of age (`AGE-SECRET-KEY-1…`), with which backups are "
        "encrypted; unset: they are not, and then hold no secret of the settings.",
    )
