"""Makes docs/images/app.png and app.zh-CN.png: the running app, asked about the sample lecture.

Needs Chromium. Run by `make picture` when the page looks different; what it shows is real.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
COMMAND = Path(sys.executable).with_name("video-rag")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
WINDOW = (1280, 800)
COLOURS = 128
"""Enough for a page with one film still in it; a third of the bytes."""
ASKED = {
    "app.png": ("en-US", "Where should a passage be cut?"),
    "app.zh-CN.png": ("zh-CN", "关键词检索最擅长找什么？"),
}


def main() -> None:
    """Add the lecture to a library of its own, serve it, ask, and keep what is seen."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "VIDEO_RAG_HOME": home}
        add = [COMMAND, "add", ROOT / "examples" / "lecture.mp4"]
        subprocess.run(add, env=environment, cwd=home, check=True, stdout=subprocess.DEVNULL)
        serve = [COMMAND, "serve", "--port", "0"]
        with (
            subprocess.Popen(serve, env=environment, cwd=home, stdout=subprocess.PIPE) as server,
            sync_playwright() as playwright,
        ):
            assert server.stdout is not None
            url = server.stdout.readline().decode().split()[-1]
            try:
                browser = playwright.chromium.launch(
                    executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
                )
                for name, (locale, question) in ASKED.items():
                    keep(seen(browser, url, locale, question), IMAGES / name)
            finally:
                server.terminate()


def seen(browser: Browser, url: str, locale: str, question: str) -> bytes:
    """The window after a question, with the player at the first citation."""
    width, height = WINDOW
    page = browser.new_page(locale=locale, viewport={"width": width, "height": height})
    page.goto(url)
    page.fill("#question", question)
    page.keyboard.press("Enter")
    first = page.locator("#result .moment").first
    expect(first).to_be_visible()
    first.click()
    page.wait_for_function("() => document.querySelector('video')?.readyState >= 2")
    page.wait_for_function("() => !document.querySelector('video').seeking")
    page.evaluate("() => { document.querySelector('video').pause(); window.scrollTo(0, 0); }")
    expect(page.locator(".line[aria-current]")).to_be_visible()
    page.wait_for_timeout(500)  # the picture of that second, and the shade of what was clicked
    picture = page.screenshot()
    page.close()
    return picture


def keep(picture: bytes, to: Path) -> None:
    """Write it with few colours, as small as it gets."""
    with Image.open(BytesIO(picture)) as full:
        full.convert("RGB").quantize(COLOURS).save(to, optimize=True)
    print(f"{to.relative_to(ROOT)}: {to.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
