"""What can be set of speech recognition by Whisper."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from video_rag.plugins import Options as PluginOptions
from video_rag.plugins import inert


class Options(PluginOptions):
    """Which model listens, and how."""

    model: str = Field(
        default="small",
        description="size (tiny, base, small, medium, large-v3, turbo …), a Hugging Face "
        "repository, or a directory with a model converted for CTranslate2",
    )
    language: str | None = Field(
        default=None, description="what is spoken, such as en or zh; unset: detected"
    )
    beam_size: int = Field(default=5, ge=1, le=20, description="hypotheses kept at each step")
    initial_prompt: str | None = Field(
        default=None,
        description="words to begin with, such as names that occur; unset: for Chinese a "
        "sentence that asks for simplified characters",
    )
    vad: bool = Field(default=True, description="leave out what is no speech before listening")
    no_speech: float = Field(
        default=0.9,
        ge=0.0,
        le=1.0,
        description="segments that the model itself thinks are no speech, with at least this "
        "probability, are dropped",
    )
    device: str = inert("auto", description="cpu, cuda or auto")
    compute_type: str = inert(
        "auto", description="number format such as int8 or float16; auto: the fastest here"
    )
    threads: int = inert(0, ge=0, description="CPU threads; 0: as the library decides")
    download_root: Path | None = inert(
        None, description="where models are kept; unset: the cache of Hugging Face"
    )
