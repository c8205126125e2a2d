"""The picture of a run's report: `python -m tests.picture results/NAME`.

Opens the report in a browser, and saves the top of the page as `report.png` in the run's folder.
The picture contains the digest of the records that it shows, so that a test can tell whether it is
outdated.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
import sys
import tempfile
import zlib
from pathlib import Path

from playwright.sync_api import sync_playwright

from bench.analysis.results import Results
from bench.records import run_folder
from bench.report.run.run_page import run_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# In a container, root has no sandbox of its own, and shared memory is small.
ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage")
WIDTH, HEIGHT = 1360, 1750
KEY = b"Source"


def digest(run: run_folder.Run) -> str:
    """The digest of the run's records."""
    return hashlib.sha256((run.folder / "records.jsonl").read_bytes()).hexdigest()


def source(picture: bytes) -> str:
    """The digest in a picture: its text chunk (PNG, third edition, 11.3.3)."""
    at = 8
    while at < len(picture):
        (length,), kind = struct.unpack(">I", picture[at : at + 4]), picture[at + 4 : at + 8]
        body = picture[at + 8 : at + 8 + length]
        if kind == b"tEXt" and body.startswith(KEY + b"\0"):
            return body.partition(b"\0")[2].decode()
        at += 12 + length
    return ""


def marked(picture: bytes, text: str) -> bytes:
    """The picture with a text chunk before its last chunk, the 12 bytes of IEND."""
    body = b"tEXt" + KEY + b"\0" + text.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return picture[:-12] + chunk + picture[-12:]


def find_browser() -> str | None:
    """A browser on this machine that playwright can drive."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def take(browser: str, page: str) -> bytes:
    """The top of a page as a browser shows it, once the visible charts are drawn."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "report.html"
        file.write_text(page, encoding="utf-8")
        opened = playwright.chromium.launch(executable_path=browser, args=ARGUMENTS)
        view = opened.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        view.goto(file.as_uri())
        view.wait_for_timeout(1000)
        picture = view.screenshot()
        opened.close()
    return picture


def main() -> None:
    browser = find_browser()
    if len(sys.argv) != 2 or not browser:
        sys.exit(f"usage: python -m tests.picture RUN, with one of {', '.join(BROWSERS)}")
    run = run_folder.read(Path(sys.argv[1]))
    file = run.folder / "report.png"
    file.write_bytes(marked(take(browser, run_page(Results.of(run))), digest(run)))
    print(f"wrote {file}")


if __name__ == "__main__":
    main()
