"""The page in a real browser: ask, see the answer, click a citation, be at that second."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from talks import SHEEP, STARS, write_talk
from video_rag.api import create_app
from video_rag.api.server import address_of, bind
from video_rag.library import Library, Wishes
from video_rag.operations import keys, wishes
from video_rag.settings import load_settings
from video_rag.stores.owner import me
from video_rag.stores.requests import Progress
from video_rag.testing.clips import Extras, sine, slide_lecture
from video_rag.testing.llm import LlmServer, Request

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    "--autoplay-policy=no-user-gesture-required",
]
EVIL = '<img src=x onerror="window.hacked = 1"><script>window.hacked = 1</script>'
WORDS = "What do sheep eat on the hill?"
RECORD_SEEKS = """
    window.seeks = [];
    const record = (event) => window.seeks.push(event.target.currentTime);
    document.addEventListener("seeked", record, true);
"""
RECORD_PIECES = """
    window.pieces = [];
    new MutationObserver(() => {
      const growing = document.querySelector(".streaming");
      if (growing) window.pieces.push(growing.textContent);
    }).observe(document.body, {childList: true, subtree: true});
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs Chromium at {CHROMIUM}"),
]

expect.set_options(timeout=30_000)  # ms; a cold start on a busy machine takes its time


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A playable lecture in two languages, and a subtitle file with a hostile title."""
    folder = tmp_path_factory.mktemp("page")
    slides = ["The farm", "Grass", "Counting sheep", "Wool"]
    slide_lecture(folder / "sheep.mp4", slides, seconds_each=4.0, extras=Extras(sound=sine(16.0)))
    write_talk(folder / "sheep.en.srt", SHEEP)
    write_talk(folder / "sheep.zh.srt", STARS)
    write_talk(folder / "evil" / "evil.srt", [f"Goats climb trees. {EVIL}", "They like it there."])
    library = _library(folder / "home")
    evil = str(folder / "evil" / "evil.srt")
    added = [
        *library.add([str(folder / "sheep.mp4")]),
        *library.add([evil], Wishes(title=EVIL, collection="goats")),
        *library.add([evil], Wishes(collection="trees")),
    ]
    assert [item.status and item.status.state for item in added] == ["ready"] * 3, added
    yield library
    library.close()


@pytest.fixture(scope="module")
def url(library: Library) -> Iterator[str]:
    with _serving(library, keys_required=False) as address:
        yield address


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    with _page(browser, url) as page:
        expect(page.locator("#videos .video")).to_have_count(2)
        yield page


def _library(home: Path) -> Library:
    return Library(load_settings({"home": str(home), "pipeline": {"reader": "none"}}))


@contextmanager
def _serving(library: Library, *, keys_required: bool) -> Iterator[str]:
    app = create_app(library, keys_required=keys_required)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with bind("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield address_of("127.0.0.1", listener)
        server.should_exit = True
        thread.join()


@contextmanager
def _page(browser: Browser, url: str, **kind: object) -> Iterator[Page]:
    """A fresh visitor; anything that breaks in the page fails the test."""
    context = browser.new_context(**{"locale": "en-US", **kind})  # type: ignore[arg-type]
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.add_init_script(RECORD_SEEKS)
    page.goto(url)
    yield page
    context.close()
    assert broken == []


def _ask(page: Page, question: str) -> None:
    page.fill("#question", question)
    page.keyboard.press("Enter")


def _seeks_to(page: Page, seconds: float) -> None:
    """Wait until the player has jumped to within half a second."""
    near = f"() => window.seeks.some((at) => Math.abs(at - {seconds}) <= 0.5)"
    page.wait_for_function(near)


def test_a_citation_of_a_streamed_answer_opens_the_player_at_its_second(page: Page) -> None:
    with page.expect_response("**/api/ask") as answer:
        _ask(page, WORDS)
    assert answer.value.headers["content-type"].startswith("text/event-stream")
    first = page.locator("#result .moment").first
    expect(first).to_contain_text("eats grass on the hill")
    expect(first).to_contain_text("0:04–0:07")
    first.click()
    _seeks_to(page, 4.0)
    expect(page.locator(".line[aria-current]")).to_contain_text("eats grass on the hill")


def test_a_written_answer_grows_and_its_marks_open_the_moment(
    browser: Browser, library: Library
) -> None:
    with LlmServer(_model) as model:
        options = {"base_url": model.base_url, "model": "test"}
        home = str(library.settings.home)
        settings = {"ask": {"answerer": "openai"}, "answerers": {"openai": options}, "home": home}
        writing = Library(load_settings(settings | {"pipeline": {"reader": "none"}}))
        with _serving(writing, keys_required=False) as url, _page(browser, url) as page:
            page.evaluate(RECORD_PIECES)
            _ask(page, WORDS)
            expect(page.locator(".answer")).to_contain_text("Sheep eat grass on the hill")
            expect(page.locator("#result")).to_contain_text("Written by test")
            assert page.evaluate("new Set(window.pieces).size") > 2
            expect(page.locator(".answer")).not_to_contain_text("butler")  # no passage says so
            page.locator(".answer a.mark").first.click()
            _seeks_to(page, 4.0)
        writing.close()


def _model(request: Request) -> str:
    if not request.streamed:
        return '{"intent": "question"}'
    return "Sheep eat **grass** on the hill all day [1]. The butler did it [1]."


def test_a_deep_link_opens_its_moment_and_waits(browser: Browser, url: str, page: Page) -> None:
    link = page.locator("#videos .video-link").first.get_attribute("href")
    with _page(browser, f"{url}/{link}?t=8.5") as fresh:
        _seeks_to(fresh, 8.5)
        assert fresh.evaluate("document.querySelector('video').paused")
        expect(fresh.locator(".line[aria-current]")).to_contain_text("太阳")
        expect(fresh.locator(".slide[aria-current]")).to_contain_text("0:08")


def test_the_transcript_leads_the_player_and_has_every_language(page: Page) -> None:
    page.locator("#videos .video-link").first.click()
    page.locator(".line", has_text="超新星").click()
    _seeks_to(page, 12.0)
    page.locator(".transcript select").select_option("en")
    expect(page.locator(".line[aria-current]")).to_contain_text("Wool is shorn")
    tracks = page.evaluate("[...document.querySelectorAll('track')].map((track) => track.srclang)")
    assert sorted(tracks) == ["en", "zh"]


def test_searching_shows_passages_and_what_is_not_there(page: Page) -> None:
    page.fill("#question", "shepherd")
    page.click("button[value=search]")
    expect(page.locator("#result .moment").first).to_contain_text("The shepherd counts them")
    page.fill("#question", "photosynthesis")
    page.click("button[value=search]")
    expect(page.locator("#result")).to_contain_text("No passage fits")


def test_a_question_without_support_is_refused_in_words(page: Page) -> None:
    _ask(page, "Which bank raised its interest rates?")
    expect(page.locator(".answer.refused")).to_be_visible()
    expect(page.locator("#result .moment")).to_have_count(0)


def test_words_of_videos_are_never_obeyed(page: Page) -> None:
    row = page.locator(".video", has_text="<img src=x")
    row.locator("a").click()
    expect(page.locator(".viewer h2")).to_have_text(EVIL)
    expect(page.locator(".line").first).to_contain_text("Goats climb trees")
    _ask(page, "Which animals climb trees? goats")
    expect(page.locator("#result .moment").first).to_contain_text("Goats climb trees")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0


def test_a_video_whose_file_is_not_here_is_shown_as_text(page: Page) -> None:
    page.locator(".video", has_text="<img src=x").locator("a").click()
    expect(page.locator(".stage.still")).to_contain_text("The video file is not here")
    page.locator(".line", has_text="They like it there").click()
    expect(page.locator("#still-words")).to_have_text("They like it there.")


def test_the_language_follows_the_browser_and_the_switch(
    browser: Browser, url: str, page: Page
) -> None:
    expect(page.locator(".lead")).to_have_text("What would you like to know?")
    page.click("#switch")
    expect(page.locator(".lead")).to_have_text("想了解什么？")
    expect(page.locator("#videos .state").first).to_have_text("就绪")
    page.reload()
    expect(page.locator(".lead")).to_have_text("想了解什么？")
    with _page(browser, url, locale="zh-CN") as chinese:
        expect(chinese.locator("button[value=ask]")).to_have_text("提问")
        _ask(chinese, "恒星由什么收缩而成？")
        expect(chinese.locator("#result .moment").first).to_contain_text("氢气云")


def test_a_link_that_was_broken_is_told_and_asks_for_no_key(page: Page) -> None:
    for link in ("#/video/%E0%A4%A", "#/video/%", "#/video/%ff"):
        page.evaluate("(link) => { location.hash = link; }", link)
        expect(page.locator("#viewer")).to_contain_text("This link is broken")
        expect(page.locator("#login")).to_be_hidden()
        page.evaluate("location.hash = '#/'")
        page.reload()
        page.evaluate("(link) => { location.hash = link; }", link)
        page.reload()
        expect(page.locator("#viewer")).to_contain_text("This link is broken")
        expect(page.locator("#login")).to_be_hidden()
        page.evaluate("location.hash = '#/'")


def test_the_list_is_filtered_by_words_state_and_collection(page: Page) -> None:
    page.fill("#filter", "SHEEP")
    expect(page.locator("#videos .video")).to_have_count(1)
    expect(page.locator("#count")).to_have_text("1 / 2")
    page.fill("#filter", "")
    page.select_option("#state", "failed")
    expect(page.locator("#empty")).to_contain_text("No video fits")
    page.select_option("#state", "")
    for name in ("goats", "trees"):
        page.select_option("#collection", name)
        expect(page.locator("#videos .video")).to_have_count(1)
    expect(page.locator("#videos .video-facts")).to_contain_text("goats · trees")


def test_what_cannot_be_added_is_shown_with_what_to_do(page: Page, tmp_path: Path) -> None:
    page.click("#add summary")
    page.fill("#url", str(tmp_path / "missing.mp4"))
    page.click("#add-form button")
    told = page.locator("#requests .video").first
    expect(told).to_contain_text("missing.mp4")
    expect(told.locator(".failures .hint")).not_to_be_empty()
    told.locator("button").click()
    expect(page.locator("#requests .video")).to_have_count(0)


def test_the_end_of_a_stream_takes_no_focus_away(page: Page) -> None:
    """The last event shows the citations; when the connection closes nothing is drawn anew."""
    page.evaluate(
        """() => new MutationObserver((_, observer) => {
          const moment = document.querySelector("#result .moment");
          if (!moment) return;
          observer.disconnect();
          moment.focus();
        }).observe(document.getElementById("result"), {childList: true})"""
    )
    page.fill("#question", WORDS)
    page.press("#question", "Enter")
    expect(page.locator("#result")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#result .moment").first).to_be_focused()


def test_what_somebody_asked_for_is_shown_with_stage_and_share_and_taken_back(
    page: Page, library: Library, tmp_path: Path
) -> None:
    talk = write_talk(tmp_path / "wool.srt", SHEEP)
    request = wishes.add([str(talk)], Wishes(), "cron")
    with library.hold(request.request_id, "request"):  # in other hands
        wishes.submit(library, request)
        sheep = next(s.video.video_id for s in library.videos() if s.video.title == "sheep")
        progress = Progress(sheep, "listen", 0.42, "12:30 of 30:00")
        library.ledger.requests.keep(replace(request, state="working", progress=progress))
        page.reload()  # one that opens the page now sees it, too
        row = page.locator(f'#requests [data-id="{request.request_id}"]')
        expect(row).to_contain_text("wool.srt")
        expect(row).to_contain_text("sheep · listening 42 % · 12:30 of 30:00")
        expect(row.locator(".state")).to_have_text("working")
        assert row.locator("progress").evaluate("bar => bar.value") == 0.42
        with page.expect_response(lambda response: response.url.endswith("/cancel")):
            row.locator("button").click()
        assert library.ledger.requests.get(request.request_id).is_unwanted
    expect(row).to_have_count(0)
    assert library.ledger.requests.get(request.request_id).state == "cancelled"


def test_how_the_work_goes_is_told_while_there_is_something_to_tell(
    browser: Browser, tmp_path: Path
) -> None:
    library = _library(tmp_path / "home")
    talk = write_talk(tmp_path / "sheep.srt", SHEEP)
    (tmp_path / "broken.srt").write_text("no subtitles", encoding="utf-8")
    list(library.add([str(talk)]))
    with _serving(library, keys_required=False) as url, _page(browser, url) as page:
        expect(page.locator("#videos .video")).to_have_count(1)
        expect(page.locator("#work")).to_be_hidden()
        list(library.add([str(tmp_path / "broken.srt")]))
        [video_id] = [one.video.video_id for one in library.videos() if one.state == "ready"]
        with library.hold(video_id, "listen"):
            library.ledger.agenda.report(video_id, "listen", me(), 0.25, EVIL)
            page.reload()
            expect(page.locator("#work-line")).to_contain_text("1 at work")
            expect(page.locator("#work-line")).to_contain_text("1 failed")
            page.click("#work summary")
            expect(page.locator("#work-body .video-title")).to_have_text("sheep")
            expect(page.locator("#work-body .video-facts")).to_contain_text("listening 25 %")
            expect(page.locator("#work-body table")).to_contain_text("ContentError")
            assert page.evaluate("window.hacked") is None
    library.close()


def test_the_keyboard_is_enough(page: Page) -> None:
    page.keyboard.press("/")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type(WORDS)
    page.keyboard.press("Enter")
    page.locator("#result .moment").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#viewer")).to_be_visible()
    page.locator(".line[aria-current]").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".line:focus")).to_contain_text("counts them")
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_needs_no_sideways_scrolling(
    browser: Browser, url: str, scheme: str
) -> None:
    small = {"width": 360, "height": 740}
    with _page(browser, url, viewport=small, color_scheme=scheme) as page:
        _ask(page, WORDS)
        first = page.locator("#result .moment").first
        expect(first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        first.click()
        expect(page.locator(".line").first).to_be_visible()
        expect(page.locator("#ask-form")).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_an_empty_library_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    library = _library(tmp_path / "empty")
    with _serving(library, keys_required=False) as url, _page(browser, url) as page:
        expect(page.locator("#empty")).to_contain_text("video-rag add")
    library.close()


def test_one_logs_in_with_a_key_until_it_is_revoked(browser: Browser, tmp_path: Path) -> None:
    library = _library(tmp_path / "locked")
    key, plain = keys.make(library.ledger, "alice", "read")
    with _serving(library, keys_required=True) as url, _page(browser, url) as page:
        page.fill("#key", "vr_wrong")
        page.click("#login-form button")
        expect(page.locator("#login-problem")).to_contain_text("not known here")
        page.fill("#key", plain)
        page.click("#login-form button")
        expect(page.locator("#who")).to_have_text("alice")
        expect(page.locator("#add")).to_be_hidden()  # her role is read
        page.reload()
        expect(page.locator("#desk")).to_be_visible()
        assert page.evaluate("document.cookie") == ""
        page.fill("#question", WORDS)
        keys.revoke(library.ledger, key.key_id)
        page.locator("#question").evaluate(
            "box => box.form.requestSubmit()"
        )  # be it hidden already
        expect(page.locator("#login-form")).to_be_visible()
    library.close()


def test_logging_out_asks_for_the_key_again(browser: Browser, tmp_path: Path) -> None:
    library = _library(tmp_path / "locked")
    _, plain = keys.make(library.ledger, "bob", "write")
    with _serving(library, keys_required=True) as url, _page(browser, url) as page:
        page.fill("#key", plain)
        page.keyboard.press("Enter")
        expect(page.locator("#add")).to_be_visible()
        page.click("#logout")
        expect(page.locator("#login-form")).to_be_visible()
    library.close()


def test_an_odd_id_is_told_and_breaks_nothing(browser: Browser, url: str) -> None:
    with _page(browser, f"{url}/#/video/{quote('nobody/<b>')}?t=x") as page:
        expect(page.locator(".viewer .problem")).to_contain_text("no video")
        page.keyboard.press("Escape")
        expect(page.locator("#ask-form")).to_be_visible()
