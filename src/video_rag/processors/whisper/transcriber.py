"""Speech recognition by faster-whisper, on CPU or GPU.

The sound of a video is held in memory as 16 kHz float samples: 230 MB per hour, twice that for a
moment. Voice activity is looked for first, with a small model that comes with faster-whisper, so
that a video without speech never asks for the large one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from video_rag.errors import BadSettings, ContentError, NeedsExtra
from video_rag.media import opened
from video_rag.model import Media, MediaSet, Segment, Transcript, Video
from video_rag.plugins import Options as PluginOptions
from video_rag.plugins import inert
from video_rag.processors import Progress
from video_rag.processors.whisper.models import model_folder, present
from video_rag.text import timecode
from video_rag.text.languages import normalise

if TYPE_CHECKING:
    import numpy as np
    from av import AudioFrame
    from av.container import InputContainer
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Segment as Heard
    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

SAMPLE_RATE = 16_000
"""What Whisper and the voice detector take."""
_SIMPLIFIED_PROMPT = "以下是普通话的句子，使用简体中文和标点符号。"
"""Whisper writes traditional or simplified characters, with or without punctuation, as prompted."""


class Whisper:
    """Listens to the first file that has sound."""

    version: int = 1

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

    def __init__(self, options: Options) -> None:
        self.options = options
        self._loaded: WhisperModel | None = None

    def transcribe(
        self, video: Video, media: MediaSet, locate: Callable[[str], Path], progress: Progress
    ) -> list[Transcript]:
        """One transcript, or none when there is no sound or no speech.

        Raises `NeedsExtra` without faster-whisper, `Unavailable` when the model must be downloaded
        and cannot be, `BadSettings` for a model that does not exist, and `ContentError` when the
        sound cannot be decoded or nothing that was heard can be trusted.
        """
        file = _with_sound(media)
        if file is None:
            return []
        path = locate(file.path)
        _need_faster_whisper()
        progress(0.0, f"decoding the sound of {path.name}")
        sound, begin = decode_sound(path)
        progress(0.0, "looking for speech")
        if not len(sound) or (self.options.vad and not _has_speech(sound)):
            return []
        model = self._model(progress)
        language = self._language(model, video, sound)
        heard, info = model.transcribe(
            sound,
            language=language,
            beam_size=self.options.beam_size,
            initial_prompt=self.options.initial_prompt
            or (_SIMPLIFIED_PROMPT if language == "zh" else None),
            vad_filter=self.options.vad,
        )
        duration = len(sound) / SAMPLE_RATE
        segments, notes = trusted(
            _watched(heard, duration, progress), begin, duration, self.options.no_speech
        )
        if notes and not segments:
            raise ContentError(f"{path}: no speech that can be trusted: {notes[0]}")
        if not segments:
            return []
        tag = normalise(info.language) or "und"
        return [Transcript(language=tag, origin="asr", segments=segments, notes=notes)]

    def hear(self, path: Path, start: float, seconds: float) -> str | None:
        """What is said there, heard quickly; None without faster-whisper or its model here.

        Raises `ContentError` when the sound cannot be decoded, `BadSettings` for a model that
        cannot be.
        """
        try:
            _need_faster_whisper()
        except NeedsExtra:
            return None
        if present(self.options.model, self.options.download_root) is None:
            return None
        sound, _ = decode_sound(path, start, seconds)
        if not _has_speech(sound):
            return ""
        model = self._model(_unwatched)
        heard, _ = model.transcribe(
            sound,
            language=self._language(model, None, sound),
            beam_size=1,
            temperature=0.0,  # with others to choose from, a model in doubt throws dice
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return " ".join(
            segment.text.strip()
            for segment in heard
            if segment.no_speech_prob < self.options.no_speech
        )

    def check(self) -> str:
        """Whether the model is here. Raises `NeedsExtra`, `BadSettings`."""
        _need_faster_whisper()
        model, root = self.options.model, self.options.download_root
        folder = present(model, root)
        if folder:
            return f"model {model} in {folder}"
        return f"model {model} is not here yet; it is downloaded at the first video without words"

    def _model(self, progress: Progress) -> WhisperModel:
        """The model, loaded once."""
        if self._loaded is None:
            import faster_whisper

            folder = model_folder(self.options.model, self.options.download_root, progress)
            progress(0.0, f"loading the speech model {self.options.model}")
            try:
                self._loaded = faster_whisper.WhisperModel(
                    str(folder),
                    device=self.options.device,
                    compute_type=self.options.compute_type,
                    cpu_threads=self.options.threads,
                    local_files_only=True,
                )
            except (RuntimeError, ValueError) as error:
                raise BadSettings(
                    f"the speech model in {folder} cannot be loaded: {error}",
                    hint="check model, device and compute_type in [transcribers.whisper]",
                ) from error
        return self._loaded

    def _language(self, model: WhisperModel, video: Video | None, sound: Sound) -> str:
        """What is spoken, as Whisper names it: from the settings, the video, or the sound."""
        wished = self.options.language
        if wished is not None:
            tag = normalise(wished) or wished
            if tag in model.supported_languages:
                return tag
            raise BadSettings(
                f"[transcribers.whisper] the model does not know the language {wished!r}",
                hint="use a tag such as en or zh, or leave language unset",
            )
        if video and video.language and video.language in model.supported_languages:
            return video.language
        if not model.model.is_multilingual:
            return "en"
        language, _, _ = model.detect_language(sound, vad_filter=self.options.vad)
        return str(language)


def _unwatched(_share: float, _text: str) -> None:
    """Progress that nobody asked for."""


def _with_sound(media: MediaSet) -> Media | None:
    """The sound file, or the video file when it has a sound track."""
    if not media.has_speech_track:
        return None
    return next(iter((*media.of("audio"), *media.of("video"))), None)


def _need_faster_whisper() -> None:
    try:
        import faster_whisper  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise NeedsExtra("faster-whisper", "asr") from error


def decode_sound(
    path: Path, start: float = 0.0, seconds: float | None = None
) -> tuple[Sound, float]:
    """Mono samples at `SAMPLE_RATE`, and the second of the video at which they begin.

    All of them, or those of `seconds` from `start` on, give or take a packet. Damaged packets are
    skipped. Raises `ContentError` when there is nothing to decode.
    """
    import av
    import numpy as np

    end = math.inf if seconds is None else start + seconds
    pieces: list[Any] = []
    begin: float | None = None
    with opened(path) as container:
        if not container.streams.audio:
            return np.zeros(0, np.float32), 0.0
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        for at, frame in _frames(container, start):
            if at >= end:
                break
            if begin is None:
                begin = at
            frame.pts = None  # gaps and jumps of the clock do not matter to the resampler
            pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
        if pieces:
            pieces += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
    return samples.astype(np.float32) / np.float32(32768), begin or 0.0


def _frames(container: InputContainer, start: float) -> Iterator[tuple[float, AudioFrame]]:
    """The frames of sound that end after `start`, each with its second of the video."""
    import av

    origin = (container.start_time or 0) / 1_000_000
    if start > 0.0:
        container.seek(int((start + origin) * 1_000_000))
    for packet in container.demux(container.streams.audio[0]):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            at = max(0.0, (frame.time or 0.0) - origin)
            if at + frame.samples / frame.sample_rate > start:
                yield at, frame


def _has_speech(sound: Sound) -> bool:
    from faster_whisper.vad import get_speech_timestamps

    return bool(get_speech_timestamps(sound))


def _watched(heard: Iterable[Heard], duration: float, progress: Progress) -> Iterable[Heard]:
    """The same segments, reported as they come."""
    for segment in heard:
        end = min(float(segment.end), duration)
        progress(end / duration, f"heard until {timecode.clock(end)}")
        yield segment


def trusted(
    heard: Iterable[Heard], begin: float, duration: float, no_speech: float
) -> tuple[tuple[Segment, ...], tuple[str, ...]]:
    """Segments in seconds of the video, and a note on those that are probably no speech.

    Whisper invents words where there are none, and its times can run past the end of the sound.
    """
    kept: list[Segment] = []
    dropped: list[str] = []
    for segment in heard:
        # The library's times may be NumPy numbers, which JSON does not take.
        start = min(max(0.0, float(segment.start)), duration)
        end = min(max(start, float(segment.end)), duration)
        text = " ".join(segment.text.split())
        if segment.no_speech_prob >= no_speech or segment.start >= duration:
            dropped.append(timecode.clock(begin + start))
        elif text:
            confidence = round(min(1.0, math.exp(float(segment.avg_logprob))), 3)
            kept.append(
                Segment(start=begin + start, end=begin + end, text=text, confidence=confidence)
            )
    if not dropped:
        return tuple(kept), ()
    places = ", ".join(dropped[:10]) + ", …" * (len(dropped) > 10)
    what = "1 segment" if len(dropped) == 1 else f"{len(dropped)} segments"
    note = f"{what} dropped: probably no speech (at {places})"
    return tuple(kept), (note,)
