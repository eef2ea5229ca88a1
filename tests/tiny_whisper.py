"""A Whisper of random weights, 1 MB, for the real faster-whisper: it hears, and says one letter."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, HEADS, LAYERS, MELS = 64, 2, 2, 80
AUDIO_POSITIONS, TEXT_POSITIONS = 1500, 448
LETTER = "a"
"""All it ever says."""


def build_tiny_whisper(folder: Path) -> Path:
    """Write a model that `WhisperModel(folder)` loads; the same bytes' worth every time."""
    from ctranslate2.specs.whisper_spec import WhisperSpec

    letters, special = _letters(), _special()
    tokens = letters + special
    spec = WhisperSpec(LAYERS, HEADS, LAYERS, HEADS)
    random = np.random.default_rng(0)
    _fill_encoder(spec.encoder, random)
    _fill_decoder(spec.decoder, random, len(tokens))
    _teach(spec.decoder, tokens)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [tokens.index("<|endoftext|>")]
    spec.config.lang_ids = [tokens.index(f"<|{code}|>") for code in _languages()]
    spec.config.alignment_heads = [[1, 0], [1, 1]]
    spec.register_vocabulary(tokens)
    spec.validate()
    spec.optimize(quantization="int8")
    folder.mkdir(parents=True)
    spec.save(str(folder))
    _write_tokenizer(folder / "tokenizer.json", letters, special)
    features = {"feature_size": MELS, "sampling_rate": 16000, "hop_length": 160}
    features |= {"chunk_length": 30, "n_fft": 400}
    (folder / "preprocessor_config.json").write_text(json.dumps(features))
    return folder


def write_sound(path: Path, seconds: float, *, is_speech: bool) -> Path:
    """A wav file of what a voice detector takes for speech, or of faint noise."""
    rate = 16000
    at = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(1).normal(0, 0.001, at.size)
    samples = _vowels(at) if is_speech else noise
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def _vowels(at: np.ndarray) -> np.ndarray:
    """A buzzing voice whose formants and pitch wander, three syllables per second."""
    pitch = 120 + 20 * np.sin(2 * np.pi * 0.7 * at)
    phase = 2 * np.pi * np.cumsum(pitch) / 16000
    first = 500 + 250 * np.sin(2 * np.pi * 1.5 * at)
    second = 1500 + 500 * np.sin(2 * np.pi * 1.1 * at + 1)
    voice = np.zeros_like(at)
    for harmonic in range(1, 30):
        frequency = harmonic * pitch
        loudness = (
            1 / (1 + ((frequency - first) / 90) ** 2)
            + 0.6 / (1 + ((frequency - second) / 120) ** 2)
            + 0.2 / (1 + ((frequency - 2600) / 160) ** 2)
        )
        voice += loudness * np.sin(harmonic * phase)
    syllables = np.clip(np.sin(2 * np.pi * 3 * at) + 0.6, 0, 1)
    return 0.3 * voice * syllables


def _languages() -> tuple[str, ...]:
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    return tuple(_LANGUAGE_CODES)


def _letters() -> list[str]:
    """A token per byte, spelled as byte-level tokenizers do: unprintable ones from U+0100 on."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = iter(range(256, 512))
    letters = [chr(byte) if byte in printable else chr(next(spare)) for byte in range(256)]
    return [*letters, ""]  # CTranslate2 knows a multilingual model by its empty token


def _teach(decoder: Any, tokens: list[str]) -> None:
    """Make it sure of itself: it begins at 0.00, says one letter, and ends.

    A model in doubt is asked again with dice, and then every run gives something else.
    """
    place = {token: number for number, token in enumerate(tokens)}
    direction = np.where(np.arange(WIDTH) % 2, 1.0, -1.0).astype(np.float32)
    decoder.embeddings.weight[place[LETTER]] = direction
    decoder.embeddings.weight[place["<|0.00|>"]] = -direction
    decoder.projection.weight[place["<|endoftext|>"]] = direction
    decoder.projection.weight[place[LETTER]] = -direction
    bias = np.zeros(len(tokens), np.float32)
    bias[place["<|0.00|>"]] = 20.0
    bias[place["<|nospeech|>"]] = -50.0
    decoder.projection.bias = bias


def _special() -> list[str]:
    """In the order that Whisper's tokenizer expects."""
    tasks = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")
    names = ["endoftext", "startoftranscript", *_languages(), *tasks]
    times = [f"{step * 0.02:.2f}" for step in range(1501)]
    return [f"<|{name}|>" for name in [*names, *times]]


def _write_tokenizer(path: Path, letters: list[str], special: list[str]) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in special])
    tokenizer.save(str(path))


def _weights(random: np.random.Generator, *shape: int) -> np.ndarray:
    return (random.standard_normal(shape) * 0.05).astype(np.float32)


def _linear(layer: Any, random: np.random.Generator, outputs: int, inputs: int) -> None:
    layer.weight = _weights(random, outputs, inputs)
    layer.bias = np.zeros(outputs, np.float32)


def _norm(layer: Any) -> None:
    layer.gamma, layer.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)


def _attention(layer: Any, random: np.random.Generator, *, is_self: bool) -> None:
    _norm(layer.layer_norm)
    shares = [3, 1] if is_self else [1, 2, 1]  # query, key and value, or query apart; output
    for linear, share in zip(layer.linear, shares, strict=True):
        _linear(linear, random, share * WIDTH, WIDTH)


def _feed_forward(layer: Any, random: np.random.Generator) -> None:
    _norm(layer.layer_norm)
    _linear(layer.linear_0, random, 4 * WIDTH, WIDTH)
    _linear(layer.linear_1, random, WIDTH, 4 * WIDTH)


def _fill_encoder(encoder: Any, random: np.random.Generator) -> None:
    for convolution, inputs in ((encoder.conv1, MELS), (encoder.conv2, WIDTH)):
        convolution.weight = _weights(random, WIDTH, inputs, 3)
        convolution.bias = np.zeros(WIDTH, np.float32)
    encoder.position_encodings.encodings = _weights(random, AUDIO_POSITIONS, WIDTH)
    _norm(encoder.layer_norm)
    for layer in encoder.layer:
        _attention(layer.self_attention, random, is_self=True)
        _feed_forward(layer.ffn, random)


def _fill_decoder(decoder: Any, random: np.random.Generator, vocabulary: int) -> None:
    decoder.embeddings.weight = _weights(random, vocabulary, WIDTH)
    decoder.projection.weight = _weights(random, vocabulary, WIDTH)
    decoder.position_encodings.encodings = _weights(random, TEXT_POSITIONS, WIDTH)
    decoder.scale_embeddings = False
    _norm(decoder.layer_norm)
    for layer in decoder.layer:
        _attention(layer.self_attention, random, is_self=True)
        _attention(layer.attention, random, is_self=False)
        _feed_forward(layer.ffn, random)
