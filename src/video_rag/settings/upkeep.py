"""The tables `[backup]` and `[clean]`: where backups go, and what is let go."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from video_rag.settings.buckets import Place
from video_rag.settings.kinds import Names, Section


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


class CleanSettings(Section):
    """What `video-rag clean` lets go, beside what is old."""

    media_bytes: int | None = Field(
        None,
        gt=0,
        description="Bytes that downloaded media may take: beyond, the oldest go first, of videos "
        "that are ready and whose files can be fetched again; unset: no bound.",
    )
    retention: Names = Field(
        (),
        description="How long videos of a collection are kept, such as `news = 90d, talks = 52w`: "
        "later they are removed, also from the knowledge bases. One in several collections stays "
        "as long as one of them keeps it.",
    )

    @field_validator("retention")
    @classmethod
    def _are_ages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        from video_rag.text import ages  # few commands need it

        for one in value:
            name, sign, age = one.rpartition("=")
            if not sign or not name.strip():
                raise ValueError(f"{one!r} must be a collection and its age: news = 90d")
            ages.seconds(age)
        return value

    @property
    def kept_seconds(self) -> dict[str, float]:
        """How long videos of each collection are kept, in seconds."""
        from video_rag.text import ages

        pairs = (one.rpartition("=") for one in self.retention)
        return {name.strip(): ages.seconds(age) for name, _, age in pairs}
