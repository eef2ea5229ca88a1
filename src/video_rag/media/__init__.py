"""Video and sound files: which names they have, what is inside, and sound by the file's clock.

Everything that opens a container goes through `opened`, which knows the formats we take and
turns the library's errors into ours.
"""

from video_rag.media.opening import opened, packets, unbroken
from video_rag.media.probing import Probe, probe, title_of
from video_rag.media.sound import SAMPLE_RATE, Sound, decoded
from video_rag.media.tracks import SoundTracks, film, sound_tracks

_VIDEO = (
    ".mp4 .m4v .mov .qt .f4v .3gp .3g2 .mj2 .mkv .mk3d .webm .avi .divx .flv .wmv .asf "
    ".ts .mts .m2ts .m2t .trp .mpg .mpeg .mpe .m1v .m2v .mpv .vob .ogv .ogm .mxf .dv .rm .rmvb "
    ".wtv .nut"
)
_AUDIO = (
    ".mp3 .mp2 .mpga .m4a .m4b .m4r .mka .weba .wav .w64 .flac .ogg .oga .opus .spx .aac .wma "
    ".aif .aiff .aifc .caf .au .amr .awb .ac3 .eac3 .dts .ape .wv .tta .ra"
)
VIDEO_SUFFIXES = frozenset(_VIDEO.split())
AUDIO_SUFFIXES = frozenset(_AUDIO.split())
"""What people have and PyAV opens; whether a file really has a picture is seen inside it."""
SUBTITLE_SUFFIXES = frozenset(
    (".srt", ".vtt", ".ass", ".ssa", ".ttml", ".dfxp", ".sbv", ".lrc", ".sub", ".json", ".json3")
)
MEDIA_SUFFIXES = VIDEO_SUFFIXES | AUDIO_SUFFIXES | SUBTITLE_SUFFIXES

__all__ = [
    "AUDIO_SUFFIXES",
    "MEDIA_SUFFIXES",
    "SAMPLE_RATE",
    "SUBTITLE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "Probe",
    "Sound",
    "SoundTracks",
    "decoded",
    "film",
    "opened",
    "packets",
    "probe",
    "sound_tracks",
    "title_of",
    "unbroken",
]
