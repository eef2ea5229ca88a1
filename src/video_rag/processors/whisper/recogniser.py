"""Speech recognition by faster-whisper, on CPU or GPU.

The sound of a video is held in memory as 16 kHz float samples: 230 MB per hour, twice that for a
moment. Voice activity is looked for first, with a small model that comes with faster-whisper, so
that a video without speech never asks for the large one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from video_rag.errors import BadSettings, ContentError, NeedsExtra
from video_rag.media import SAMPLE_RATE, Sound, decoded, sound_tracks
from video_rag.model import Media, MediaSet, Transcript, Video
from video_rag.processors import Progress
from video_rag.processors.whisper.models import model_folder, present
from video_rag.processors.whisper.options import Options
from video_rag.processors.whisper.silence import Span, where_spoken
from video_rag.processors.whisper.spoken import Piece, Spoken, hints, languages_of
from video_rag.processors.whisper.trust import trusted, unlooped
from video_rag.text import timecode
from video_rag.text.languages import normalise

if TYPE_CHECKING:
    import numpy as np
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Segment as Heard
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

_SIMPLIFIED_PROMPT = "以下是普通话的句子，使用简体中文和标点符号。"
"""Whisper writes traditional or simplified characters, with or without punctuation, as prompted."""
_COMPARED = 1200.0
"""Seconds of each track that are compared where nothing else tells which one has the speech."""


class Recogniser:
    """Listens with the model that the options name; it is loaded when first needed."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._loaded: WhisperModel | None = None

    def transcribe(
        self, video: Video, media: MediaSet, locate: Callable[[str], Path], progress: Progress
    ) -> list[Transcript]:
        """See `Whisper.transcribe`."""
        file = _with_sound(media)
        if file is None:
            return []
        path = locate(file.path)
        _need_faster_whisper()
        progress(0.0, f"decoding the sound of {path.name}")
        found = self._sound(path, media.sound_track, video.language, progress)
        if found is None:
            return []
        sound, speech = found
        model = self._model(progress)
        spoken = self._spoken(model, sound.samples, video, hints(video, media, path))
        heard = self._heard(model, sound.samples, spoken, speech, progress)
        duration = len(sound.samples) / SAMPLE_RATE
        segments, doubts = trusted(heard, sound.begin, duration, self.options.no_speech)
        if doubts and not segments:
            raise ContentError(f"{path}: no speech that can be trusted: {doubts[0]}")
        if not segments:
            return []
        segments, loops = unlooped(segments)
        notes = (*sound.notes, *spoken.notes, *_others(spoken, sound.begin), *doubts, *loops)
        tag = normalise(spoken.main) or "und"
        return [Transcript(language=tag, origin="asr", segments=segments, notes=notes)]

    def hear(self, path: Path, start: float, seconds: float, track: str = "") -> str | None:
        """See `Whisper.hear`."""
        try:
            _need_faster_whisper()
        except NeedsExtra:
            return None
        if present(self.options.model, self.options.download_root) is None:
            return None
        groups = sound_tracks(path, track, None).groups
        sound = decoded(path, start, seconds, track=groups[0][0] if groups else 0).samples
        if not _speech(sound):
            return ""
        model = self._model(_unwatched)
        heard, _ = model.transcribe(
            sound,
            language=self._told(model, None) or _detected(model, sound),
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

    def _sound(
        self, path: Path, wished: str, spoken: str | None, progress: Progress
    ) -> tuple[Sound, list[Span]] | None:
        """The track that is listened to, and where it has speech; None if none has.

        It is the first in order that has. Without `vad` nobody looks where.
        """
        tracks = sound_tracks(path, wished, spoken)
        for group in tracks.groups:
            for number in _by_speech(path, group):
                sound = decoded(path, track=number)
                progress(0.0, "looking for speech")
                speech = _speech(sound.samples) if self.options.vad else []
                if not len(sound.samples) or (self.options.vad and not speech):
                    continue
                notes = [tracks.note] if tracks.note else []
                if len(tracks.names) > 1:
                    there = len(tracks.names)
                    notes.append(f"listened to sound track {tracks.names[number]} of {there}")
                return Sound(sound.samples, sound.begin, (*notes, *sound.notes)), speech
        return None

    def _spoken(
        self,
        model: WhisperModel,
        sound: Samples,
        video: Video,
        likely: Iterable[tuple[str, str]],
    ) -> Spoken:
        """What is spoken where, as Whisper names it: as set, else as heard."""
        told = self._told(model, video)
        if told and (self.options.language or not model.model.is_multilingual):
            return Spoken(told)
        known = ((tag, why) for tag, why in likely if tag in model.supported_languages)
        return languages_of(model, sound, told, known)

    def _told(self, model: WhisperModel, video: Video | None) -> str | None:
        """The language that need not be heard: from the settings, the video, or the model."""
        wished = self.options.language
        if wished is not None:
            tag = normalise(wished) or wished
            if tag in model.supported_languages:
                return tag
            raise BadSettings(
                f"[transcribers.whisper] the model does not know the language {wished!r}",
                hint="use a tag such as en or zh, or leave language unset",
            )
        if not model.model.is_multilingual:
            return "en"
        if video and video.language and video.language in model.supported_languages:
            return video.language
        return None

    def _heard(
        self,
        model: WhisperModel,
        sound: Samples,
        spoken: Spoken,
        speech: Sequence[Span],
        progress: Progress,
    ) -> Iterator[Heard]:
        """Every piece in its own language, times counted from the start of the sound."""
        duration = len(sound) / SAMPLE_RATE
        for piece in spoken.pieces or (Piece(0.0, duration, spoken.main),):
            part = sound[round(piece.start * SAMPLE_RATE) : round(piece.end * SAMPLE_RATE)]
            heard, _ = model.transcribe(
                part,
                language=piece.language,
                beam_size=self.options.beam_size,
                initial_prompt=self.options.initial_prompt
                or (_SIMPLIFIED_PROMPT if piece.language == "zh" else None),
                vad_filter=self.options.vad,
            )
            longest = len(part) / SAMPLE_RATE
            for segment in heard:
                end = piece.start + min(float(segment.end), longest)
                progress(end / duration, f"heard until {timecode.clock(end)}")
                segment.start, segment.end = where_spoken(piece.start + segment.start, end, speech)
                yield segment

    def check(self) -> str:
        """See `Whisper.check`."""
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


def _by_speech(path: Path, group: tuple[int, ...]) -> list[int]:
    """Tracks that nothing else tells apart, the one with the most speech first."""
    if len(group) < 2:
        return list(group)
    seconds = {
        n: sum(
            end - start for start, end in _speech(decoded(path, 0.0, _COMPARED, track=n).samples)
        )
        for n in group
    }
    return sorted(group, key=lambda number: (-seconds[number], number))


def _speech(sound: Samples) -> list[Span]:
    """Where there is speech."""
    from faster_whisper.vad import get_speech_timestamps

    found = get_speech_timestamps(sound) if len(sound) else []
    return [(one["start"] / SAMPLE_RATE, one["end"] / SAMPLE_RATE) for one in found]


def _detected(model: WhisperModel, sound: Samples) -> str:
    language, _, _ = model.detect_language(sound, vad_filter=True)
    return str(language)


def _others(spoken: Spoken, begin: float) -> tuple[str, ...]:
    """A note on the pieces that are not in the main language."""
    clock = timecode.clock
    places = [
        f"{piece.language} ({clock(begin + piece.start)}-{clock(begin + piece.end)})"
        for piece in spoken.pieces
        if piece.language != spoken.main
    ]
    if not places:
        return ()
    return ("also spoken: " + ", ".join(places[:10]) + ", …" * (len(places) > 10),)
