"""Reading slides: real models on drawn pictures."""

from __future__ import annotations

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from video_rag import plugins
from video_rag.errors import ContentError, NeedsExtra
from video_rag.model import Line
from video_rag.processors import rapidocr
from video_rag.processors.rapidocr import RapidOcr, in_reading_order, tidy
from video_rag.testing.clips import slide_image


def png(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def reader() -> RapidOcr:
    return RapidOcr(RapidOcr.Options(threads=2))


def line(text: str, left: float, top: float, right: float, bottom: float) -> Line:
    return Line(text=text, confidence=1.0, box=(left, top, right, bottom))


def test_a_slide_is_read_from_top_to_bottom(reader: RapidOcr) -> None:
    image = slide_image("Message queues\nAt least once\nIdempotent workers", (1280, 720))
    lines = reader.read(png(image, "JPEG"))
    texts = [line.text.lstrip("- ") for line in lines]
    assert texts == ["Message queues", "At least once", "Idempotent workers"]
    assert all(line.confidence > 0.8 for line in lines)


def test_slides_read_side_by_side_have_the_lines_of_slides_read_alone(reader: RapidOcr) -> None:
    pictures = [png(slide_image(f"Part {n}\nReplica index\nLease", (640, 360))) for n in range(6)]
    assert reader.at_once == 2
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(reader.read, pictures))
    alone = RapidOcr(RapidOcr.Options(threads=1))
    assert alone.at_once == 1
    assert [alone.read(picture) for picture in pictures] == together


@pytest.mark.parametrize(("threads", "engines"), [(1, 1), (2, 2), (4, 4), (16, 4)])
def test_many_processors_are_shared_by_a_few_engines(threads: int, engines: int) -> None:
    assert RapidOcr(RapidOcr.Options(threads=threads)).at_once == engines


def test_boxes_are_shares_of_the_picture(reader: RapidOcr) -> None:
    (title,) = reader.read(png(slide_image("A title at the left", (640, 360))))
    left, top, right, bottom = title.box
    assert 0.03 < left < 0.1
    assert 0.05 < top < 0.15
    assert left < right < 0.7
    assert top < bottom < 0.3


def test_an_empty_slide_has_no_lines(reader: RapidOcr) -> None:
    assert reader.read(png(Image.new("RGB", (320, 180), "white"))) == []


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_pictures_of_every_mode_are_taken(reader: RapidOcr, mode: str) -> None:
    image = slide_image("Colour modes", (640, 360)).convert(mode)
    kind = "TIFF" if mode == "CMYK" else "PNG"
    assert [line.text for line in reader.read(png(image, kind))] == ["Colour modes"]


def test_a_tiny_picture_has_no_lines(reader: RapidOcr) -> None:
    assert reader.read(png(Image.new("L", (1, 1)))) == []


def test_bytes_that_are_no_picture_are_refused(reader: RapidOcr) -> None:
    with pytest.raises(ContentError, match="not a picture") as caught:
        reader.read(b"plain text")
    assert caught.value.hint


def test_a_truncated_picture_is_refused(reader: RapidOcr) -> None:
    whole = png(slide_image("Cut in half", (640, 360)))
    with pytest.raises(ContentError):
        reader.read(whole[: len(whole) // 2])


def test_unsure_lines_are_left_out() -> None:
    strict = RapidOcr(RapidOcr.Options(min_confidence=1.0))
    assert strict.read(png(slide_image("Never quite sure", (640, 360)))) == []


def test_without_the_package_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rapidocr, "NEEDED", ("a_package_that_is_not_there",))
    assert importlib.util.find_spec("a_package_that_is_not_there") is None
    with pytest.raises(NeedsExtra) as caught:
        RapidOcr(RapidOcr.Options())
    assert "video-rag[ocr]" in caught.value.hint


def test_threads_do_not_change_the_key() -> None:
    def key(**options: object) -> str:
        return plugins.Part[object]("readers", "rapidocr", options).key

    assert key(threads=1) == key(threads=8)
    assert key(min_confidence=0.1) != key()


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("消息队列Kafka和 RabbitMQ的比较", "消息队列 Kafka 和 RabbitMQ 的比较"),
        ("第3章", "第 3 章"),
        ("检索，RAG", "检索，RAG"),
        ("  two   words ", "two words"),
        ("左 右", "左 右"),
    ],
)
def test_spaces_between_scripts_are_made_alike(read: str, meant: str) -> None:
    assert tidy(read) == meant


@given(st.text(alphabet="ab1 检索，.", max_size=30))
def test_tidying_twice_changes_nothing(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)


@given(st.text(alphabet="ab1 检索，.", max_size=30))
def test_tidying_moves_spaces_only(text: str) -> None:
    assert tidy(text).replace(" ", "") == text.replace(" ", "")


def test_lines_side_by_side_are_read_from_the_left() -> None:
    title = line("title", 0.1, 0.05, 0.9, 0.15)
    left, right = line("left", 0.1, 0.31, 0.4, 0.36), line("right", 0.6, 0.30, 0.9, 0.35)
    below = line("below", 0.1, 0.4, 0.4, 0.45)
    assert in_reading_order([below, right, title, left]) == [title, left, right, below]


@given(st.permutations([line(str(n), 0.1, n / 10, 0.9, n / 10 + 0.05) for n in range(6)]))
def test_the_order_does_not_depend_on_the_order_found(lines: list[Line]) -> None:
    assert [line.text for line in in_reading_order(lines)] == list("012345")


@pytest.mark.parametrize("size", [(1, 1), (2000, 1), (1, 2000), (4000, 7)])
def test_a_picture_in_which_no_letter_has_room_has_no_lines(
    reader: RapidOcr, size: tuple[int, int]
) -> None:
    assert reader.read(png(Image.new("RGB", size, "white"))) == []


@pytest.mark.parametrize("size", [(4000, 20), (20, 4000)])
def test_a_strip_that_would_take_all_memory_is_refused(
    reader: RapidOcr, size: tuple[int, int]
) -> None:
    with pytest.raises(ContentError, match="too long a strip"):
        reader.read(png(Image.new("RGB", size, "white")))


@pytest.mark.parametrize("size", [(4000, 20), (20, 4000)])
def test_a_picture_that_the_engine_cannot_resize_is_the_videos_fault(
    reader: RapidOcr, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rapidocr, "LONGEST_STRIP", 1000)  # our own guard stands before it
    with pytest.raises(ContentError, match="cannot be read: ResizeImgError") as caught:
        reader.read(png(Image.new("RGB", size, "white")))
    assert "the rest of the video is used" in caught.value.hint
