"""The report's page in a real browser: it draws, filters, sorts, fits, and asks for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from bench import catalogue, store
from bench.core.record import Record
from bench.report.certificate import from_json
from bench.report.page import certificate_page, run_page
from tests.picture import ARGUMENTS, find_browser

PUBLISHED = catalogue.TREE / "results" / "quick-epyc-2cpu"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not (found := find_browser()):
        pytest.skip("no chromium on this machine: apt install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield opened
        opened.close()


def varied(run: store.Run) -> store.Run:
    """The published run, with a second device, a second mode and a cell that failed."""
    records: list[Record] = []
    for record in run.records:
        cell = record.job.cell
        records.append(record)
        if cell.task == "mnist-mlp":
            elsewhere = replace(cell, device="cuda")
            records.append(replace(record, job=replace(record.job, cell=elsewhere)))
        if cell.framework == "pytorch":
            compiled = replace(cell, mode="compiled")
            records.append(replace(record, job=replace(record.job, cell=compiled)))
            lazy = replace(cell, mode="xla")
            job = replace(record.job, cell=lazy)
            records.append(
                replace(record, job=job, status="failed", reason="<b>no</b>", measurement=None)
            )
    return replace(run, records=records)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(run_page(varied(store.read(PUBLISHED))), encoding="utf-8")
    return file


class Opened:
    """A page that was opened and scrolled through, with what it complained of and asked for."""

    def __init__(
        self, browser: Browser, file: Path, *, width: int = 1440, dark: bool = False
    ) -> None:
        self.errors: list[str] = []
        self.asked: list[str] = []
        self.page: Page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console", lambda said: self.errors.append(said.text) if said.type == "error" else None
        )
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())
        self.scroll()

    def scroll(self) -> None:
        """Charts are drawn as they come into view."""
        at = 0
        while at < self.page.evaluate("document.documentElement.scrollHeight"):
            self.page.evaluate(f"scrollTo({{top: {at}, behavior: 'instant'}})")
            self.page.wait_for_timeout(20)
            at += 600
        self.page.wait_for_function(
            "[...document.querySelectorAll('.chart')]"
            ".every(one => !one.offsetParent || one.querySelector('svg'))"
        )

    def count(self, selector: str) -> int:
        """Elements that are seen."""
        return self.page.locator(selector).locator("visible=true").count()


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_draws_fits_and_asks_for_nothing(
    browser: Browser, report: Path, width: int
) -> None:
    opened = Opened(browser, report, width=width)
    assert opened.errors == []
    assert opened.asked == [report.as_uri()]
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    assert opened.count(".chart svg.main-svg") > 30
    assert opened.page.locator("li.bad").first.inner_text().endswith("failed: <b>no</b>")


def test_the_filters_filter(browser: Browser, report: Path) -> None:
    opened = Opened(browser, report)
    page = opened.page
    everything = opened.count("section[data-task]")
    assert everything == 4  # three tasks, one of them on a second device
    page.select_option("select[name=task]", "imdb-lstm")
    assert opened.count("section[data-task]") == 1
    page.select_option("select[name=task]", "mnist-mlp")
    page.select_option("select[name=device]", "cuda")
    assert opened.count("section[data-task]") == 1
    assert opened.count("tr[data-device=cpu]") == 0
    page.select_option("select[name=task]", "imdb-lstm")
    assert opened.count("section[data-task]") == 0
    assert page.locator("#none").is_visible()
    page.click(".filters button")
    assert opened.count("section[data-task]") == everything

    def paces() -> list[str]:
        return page.evaluate(
            "document.querySelector('section .chart').data.map(trace => trace.meta.mode)"
        )

    assert set(paces()) == {"eager", "compiled"}
    page.select_option("select[name=mode]", "eager")
    assert set(paces()) == {"eager"}
    assert opened.count("tr[data-mode=compiled]") == 0 < opened.count("tr[data-mode=eager]")
    page.select_option("select[name=framework]", "pytorch")
    assert opened.count("tr[data-framework=paddlepaddle]") == 0
    assert opened.errors == []


def test_tables_sort_and_what_has_no_figure_stays_last(browser: Browser, report: Path) -> None:
    page = Opened(browser, report).page
    heading = page.locator("section table.sortable").first.locator("th").nth(4)

    def column() -> list[str]:
        cells = page.locator("section table.sortable").first.locator("tbody td:nth-child(5)")
        return [str(cells.nth(at).get_attribute("data-sort")) for at in range(cells.count())]

    heading.locator("button").click()
    rising = column()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert rising[-1] == ""
    assert [float(one) for one in rising[:-1]] == sorted(float(one) for one in rising[:-1])
    heading.locator("button").click()
    assert column() == [*reversed(rising[:-1]), ""]


def test_a_figure_leads_to_its_records(browser: Browser, report: Path) -> None:
    opened = Opened(browser, report)
    opened.page.locator("section a[data-records]").first.click()
    marked = opened.page.locator("tr.target")
    assert marked.count() == store.read(PUBLISHED).info["repeats"]
    chosen = opened.page.locator("section tr[data-cell] td:nth-child(2)").first.inner_text()
    assert all(chosen in marked.nth(at).inner_text() for at in range(marked.count()))
    opened.page.evaluate(
        "const chart = document.querySelector('section .chart');"
        "chart.emit('plotly_click', {points: [{data: chart.data[2]}]})"
    )
    other = opened.page.locator("section tr[data-cell] td:nth-child(2)").nth(1).inner_text()
    assert other in marked.first.inner_text()


def test_dark_mode_and_print(browser: Browser, report: Path, tmp_path: Path) -> None:
    inks = [
        Opened(browser, report, dark=dark).page.evaluate(
            "getComputedStyle(document.querySelector('.chart .xtick text')).fill"
        )
        for dark in (False, True)
    ]
    assert inks[0] != inks[1]
    page = browser.new_page()
    page.goto(report.as_uri())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")  # what is not yet seen is drawn
    page.wait_for_function(
        "[...document.querySelectorAll('.chart')].every(one => one.querySelector('svg'))"
    )
    page.emulate_media(media="print")
    assert not page.locator(".filters").is_visible()
    assert len(page.pdf()) > 50_000


def test_the_certificate_has_a_page_of_its_own(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "certificate.html"
    published = (PUBLISHED.parent / "certificate.json").read_text(encoding="utf-8")
    file.write_text(certificate_page(from_json(published)), encoding="utf-8")
    opened = Opened(browser, file, width=390)
    assert opened.errors == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") == 390
    assert opened.count(".chart svg.main-svg") > 0
