"""Libraries of schema 1: what was recognised and read for them is known again.

Their ledger has one key per stage, made of every option of every plug-in. Here those keys are made
as they were then, with the options and versions of that time; where one fits, what the plug-ins had
made is taken over as `Work.earlier` looks for it. The migration of the ledger left the inputs of
that time in the rows `talk@1`, `media@1` and `frames@1`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from video_rag.digest import Digest, of_value
from video_rag.model import Frames, MediaSet, Noun, Slides, Transcripts, Video
from video_rag.pipeline.plan import config_of, key_of
from video_rag.pipeline.results import is_there, kept
from video_rag.pipeline.work import Work, made_by
from video_rag.plugins import Part
from video_rag.processors import Transcriber, inputs_of

_THEN: Mapping[str, tuple[int, Mapping[str, Any]]] = {
    "folder": (1, {}),
    "ytdlp": (
        1,
        {"fetch": "video", "max_height": 720, "format": "", "subtitle_languages": ["en", "zh"]},
    ),
    "subtitles": (2, {}),
    "whisper": (
        1,
        {
            "model": "small",
            "language": None,
            "beam_size": 5,
            "initial_prompt": None,
            "vad": True,
            "no_speech": 0.9,
        },
    ),
    "slides": (1, {"every": 1.0, "gap": 20.0, "builds": False, "width": 1280, "quality": 85}),
    "rapidocr": (1, {"min_confidence": 0.5}),
}
"""Version and options of the plug-ins that there were. A record: nothing is ever changed here."""
_INPUTS = ("talk@1", "media@1", "frames@1")


def version_of(part: Part[Any]) -> int:
    """The version that a plug-in had."""
    return _THEN[part.name][0] if part.name in _THEN else part.plugin.version


def fetched(parts: Sequence[Part[Any]], source: Part[Any]) -> tuple[Digest, ...]:
    """The configs of `fetch` under which a source brought what it need not bring again."""
    if version_of(source) not in source.versions:
        return ()
    all_then = ([_key(part) for part in some] for some in (parts, _known(parts)))
    return tuple(config_of([key for key in keys if key]) for keys in all_then if all(keys))


def heard(work: Work, parts: Sequence[Part[Transcriber]], languages: Sequence[str]) -> None:
    """Take over what each transcriber gave: recognised words are by those that recognise."""
    config = _config(_known(parts), list(languages))
    if not _fits(work, "listen", config, "transcript", ("talk@1", "media@1")):
        return
    made = work.read("transcript", Transcripts)
    video, media = work.read("talk@1", Video), work.read("media@1", MediaSet)
    is_recognised = {track.origin == "asr" for track in made.tracks} != {False}
    for part in _known(parts):
        is_asr = part.name == "whisper"
        if is_asr and not is_recognised:
            continue  # it was not asked
        tracks = tuple(track for track in made.tracks if (track.origin == "asr") == is_asr)
        notes = () if tracks or is_asr else made.notes
        value = Transcripts(tracks=tracks, notes=notes)
        _take_over(work, f"heard@{part.name}", part, inputs_of(part.plugin, video, media), value)


def seen(work: Work, sampler: Part[Any]) -> None:
    """Take over the frames that were picked."""
    if _fits(work, "look", _config([sampler]), "frames", ("media@1",)):
        frames = work.read("frames", Frames)
        films = work.read("media@1", MediaSet).of("video")
        if films:
            _take_over(work, f"seen@{sampler.name}", sampler, films[0].digest, frames)


def lines(work: Work, reader: Part[Any]) -> None:
    """Take over the lines that were read in pictures."""
    if _fits(work, "read", _config([reader]), "slides", ("frames@1", "media@1")):
        slides = work.read("slides", Slides)
        _take_over(work, f"lines@{reader.name}", reader, None, slides)


def _take_over(work: Work, name: str, part: Part[Any], inputs: Any, value: Noun) -> None:
    if name not in work.results:
        key = made_by(version_of(part), part, inputs)
        work.results[name] = kept(work.blobs, name, value, key)


def _fits(work: Work, stage: str, config: Digest | None, name: str, inputs: Sequence[str]) -> bool:
    """Whether a result is one of that time, made with these options."""
    rows = work.results
    if config is None or name not in rows or not {*inputs} <= rows.keys():
        return False
    is_it = rows[name].key == key_of(stage, 1, config, [rows[one].digest for one in inputs])
    return is_it and all(is_there(work.blobs, rows[one]) for one in (name, *inputs))


def _known(parts: Sequence[Part[Any]]) -> list[Part[Any]]:
    """Those that there were."""
    return [part for part in parts if part.name in _THEN]


def _config(parts: Sequence[Part[Any]], more: Any = None) -> Digest | None:
    keys = [_key(part) for part in parts]
    return config_of([key for key in keys if key], more) if all(keys) else None


def _key(part: Part[Any]) -> Digest | None:
    """The key of a plug-in as it was made then; None where an option is set that is newer."""
    if part.name not in _THEN:
        return of_value([part.name, part.plugin.version, part.deciding()])
    version, options = _THEN[part.name]
    chosen = part.chosen()
    if not chosen.keys() <= options.keys():
        return None
    return of_value([part.name, version, {**options, **chosen}])
