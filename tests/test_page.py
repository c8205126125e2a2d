"""The report's page in a real browser: it draws, filters, sorts, fits, and fetches nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from bench.analysis.results import Results
from bench.core.record import Record
from bench.launch import catalogue
from bench.records import run_folder
from bench.records.snapshot_taking import of_proofs
from bench.report.proof.proof_forms import from_json
from bench.report.proof.proof_page import certificate_page
from bench.report.run.run_page import run_page
from tests.picture import ARGUMENTS, find_browser

# Each opens pages in a browser.
pytestmark = pytest.mark.frameworks

PUBLISHED = catalogue.TREE / "results" / "quick-epyc-2cpu"


class Tab:
    """A browser tab that collects the errors and requests of its page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )
        page.on("request", lambda request: self.requests.append(request.url))

    def open(self, file: Path, *, width: int = 1440, dark: bool = False) -> None:
        """Load a page afresh, on a screen."""
        self.page.goto("about:blank")  # or the previous page would draw itself for the new width
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(media="screen", color_scheme="dark" if dark else "light")
        self.errors.clear()
        self.requests.clear()
        self.page.goto(file.as_uri())

    def scroll(self) -> None:
        """Charts are drawn as they come into view."""
        self.page.evaluate(
            """async () => {
                const frame = () => new Promise(requestAnimationFrame);
                for (let at = 0; at < document.documentElement.scrollHeight; at += innerHeight) {
                    scrollTo({top: at, behavior: "instant"});
                    await frame();
                    await frame();  // what came into view in the first is reported by now
                }
            }"""
        )
        self.page.wait_for_function(
            "[...document.querySelectorAll('.chart')]"
            ".every(chart => !chart.checkVisibility() || chart.querySelector('svg'))"
        )

    def count(self, selector: str) -> int:
        """How many elements that match are visible."""
        return self.page.locator(selector).locator("visible=true").count()

    def ink(self) -> str:
        """The colour of the first chart's text."""
        script = "getComputedStyle(document.querySelector('.chart .xtick text')).fill"
        return str(self.page.evaluate(script))


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    """One tab for all tests, in which the browser compiles plotly once."""
    if not (path := find_browser()):
        pytest.skip("no chromium on this machine: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield Tab(browser.new_page())
        browser.close()


def varied(run: run_folder.Run) -> run_folder.Run:
    """Two tasks of the published run, with a second device, a second mode and a cell that failed.

    The second task has one block of two frameworks, and there is no third: a browser takes a while
    to draw each curve.
    """
    few = {"pytorch", "tensorflow_keras"}
    records: list[Record] = []
    for record in run.records:
        cell = record.job.cell
        if cell.task == "cifar-cnn":
            continue
        if cell.task == "mnist-mlp" and (record.job.block or cell.framework not in few):
            continue
        records.append(record)
        if cell.task == "mnist-mlp":
            elsewhere = cell.with_setting(device="cuda")
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
    file.write_text(run_page(Results.of(varied(run_folder.read(PUBLISHED)))), encoding="utf-8")
    return file


def open_all(tab: Tab) -> None:
    """Open everything that a reader may open, but for the lists of records."""
    tab.page.evaluate(
        "document.querySelectorAll('details:not(.records)').forEach(one => { one.open = true; })"
    )


def test_the_page_draws_fits_and_fetches_nothing(tab: Tab, report: Path) -> None:
    tab.open(report, width=1440)
    tab.scroll()
    assert tab.errors == []
    assert tab.requests == [report.as_uri()]
    assert tab.page.evaluate("document.documentElement.scrollWidth") == 1440
    assert tab.count(".chart:has(svg.main-svg)") == tab.count(".chart") > 5
    open_all(tab)
    tab.scroll()
    assert tab.count(".chart:has(svg.main-svg)") == tab.count(".chart") > 15
    assert tab.page.locator("li.bad").first.inner_text().endswith("failed: <b>no</b>")


# The visible texts and legends that reach beyond their chart.
BEYOND = """() => [...document.querySelectorAll(".chart")].flatMap(chart => {
  const box = chart.getBoundingClientRect();
  return [...chart.querySelectorAll("svg text, svg .traces")].filter(mark => {
    const at = mark.getBoundingClientRect();
    return at.width && (at.left < box.left - 1 || at.right > box.right + 1
      || at.top < box.top - 1 || at.bottom > box.bottom + 1);
  }).map(mark => `${chart.getAttribute("aria-label").slice(0, 20)}: ${mark.textContent}`);
})"""


def test_the_page_fits_a_phone(tab: Tab, report: Path) -> None:
    context = tab.page.context
    assert context.browser
    phone = Tab(
        context.browser.new_page(
            viewport={"width": 390, "height": 844},
            is_mobile=True,
            has_touch=True,
        )
    )
    phone.page.goto(report.as_uri())
    open_all(phone)
    phone.scroll()
    assert phone.errors == []
    assert phone.requests == [report.as_uri()]
    assert phone.page.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [390, 390]
    assert phone.count(".chart:has(svg.main-svg)") == phone.count(".chart") > 10
    assert phone.page.evaluate(BEYOND) == []
    phone.page.close()


def test_the_filters_filter(tab: Tab, report: Path) -> None:
    tab.open(report)
    page = tab.page
    everything = tab.count("section[data-task]")
    assert everything == 3  # two tasks, one of them on a second device
    page.select_option("select[name=task]", "imdb-lstm")
    assert tab.count("section[data-task]") == 1
    page.select_option("select[name=task]", "mnist-mlp")
    page.select_option("select[name=device]", "cuda")
    assert tab.count("section[data-task]") == 1
    assert tab.count("tr[data-device=cpu]") == 0
    page.select_option("select[name=task]", "imdb-lstm")
    assert tab.count("section[data-task]") == 0
    assert page.locator("#none").is_visible()
    page.click(".filters button")
    assert tab.count("section[data-task]") == everything

    def shows(number: int, modes: str) -> None:
        """The chart has only traces of these modes, once it is in view."""
        page.locator("section .chart").nth(number).scroll_into_view_if_needed()
        page.wait_for_function(
            """([number, modes]) => {
                const traces = document.querySelectorAll("section .chart")[number].data ?? [];
                return [...new Set(traces.map(trace => trace.meta?.mode))].sort().join() === modes;
            }""",
            arg=[number, modes],
            timeout=20_000,
        )

    open_all(tab)
    last = page.locator("section .chart").count() - 1
    for number in (0, last):
        shows(number, "compiled,eager")
    page.select_option("select[name=mode]", "eager")
    for number in (last, 0):
        shows(number, "eager")
    assert tab.count("tr[data-mode=compiled]") == 0 < tab.count("tr[data-mode=eager]")
    page.select_option("select[name=framework]", "pytorch")
    assert tab.count("tr[data-framework=paddlepaddle]") == 0
    assert tab.errors == []


@pytest.mark.parametrize(("number", "best_first"), [(5, "descending"), (9, "ascending")])
def test_tables_sort_the_best_first_and_missing_figures_last(
    tab: Tab, report: Path, number: int, best_first: str
) -> None:
    """By samples/s the largest first, by the seconds of the import the least; `reset` undoes it."""
    tab.open(report)
    table = tab.page.locator("section table.sortable").first
    heading = table.locator(f"th:nth-child({number})")

    def column() -> list[str]:
        cells = table.locator(f"tbody td:nth-child({number})")
        return [
            str(value)
            for value in cells.evaluate_all("cells => cells.map(cell => cell.dataset.sort)")
        ]

    before = column()
    tab.page.locator("button.columns").first.dispatch_event("click")
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == best_first
    *found, last = column()
    assert last == ""
    rising = sorted(map(float, found))
    assert list(map(float, found)) == (rising if best_first == "ascending" else rising[::-1])
    heading.locator("button").click()
    assert column() == [*reversed(found), ""]
    tab.page.click(".filters button")
    assert column() == before
    assert heading.get_attribute("aria-sort") is None


def test_a_figure_leads_to_its_records(tab: Tab, report: Path) -> None:
    tab.open(report)
    page = tab.page
    page.locator("section a[data-records]").first.click()
    marked = page.locator("tr.target")
    assert marked.count() == run_folder.read(PUBLISHED).info["repeats"]
    chosen = page.locator("section tr[data-cell] td:nth-child(2)").first.inner_text()
    assert all(chosen in text for text in marked.all_inner_texts())
    page.locator("section .chart").first.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('section .chart').data")
    page.evaluate(
        "const chart = document.querySelector('section .chart');"
        "chart.emit('plotly_click', {points: [{data: chart.data[2]}]})"
    )
    other = page.locator("section tr[data-cell] td:nth-child(2)").nth(1).inner_text()
    assert other in marked.first.inner_text()


def test_dark_mode_and_print(tab: Tab, report: Path) -> None:
    tab.open(report, dark=True)
    tab.page.locator(".chart").first.scroll_into_view_if_needed()
    tab.page.wait_for_selector(".chart .xtick text")
    dark = tab.ink()
    tab.page.emulate_media(color_scheme="light")
    tab.page.wait_for_function(
        "dark => getComputedStyle(document.querySelector('.chart .xtick text')).fill !== dark",
        arg=dark,
    )
    tab.page.emulate_media(media="print")
    assert not tab.page.locator(".filters").is_visible()


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", pdf))


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize("width", [390, 1440])
def test_a_page_of_summary_is_printed_unless_everything_is_asked_for(
    tab: Tab, report: Path, width: int, paper: str
) -> None:
    tab.open(report, width=width)
    tab.page.emulate_media(media="print")
    assert pages(tab.page.pdf(format=paper)) == 1
    tab.page.evaluate("document.querySelector('input[name=whole]').click()")
    everything = tab.page.pdf(format=paper)
    assert pages(everything) > 3
    # charts that were never in view are drawn before printing
    assert tab.page.locator(".chart:not(:has(svg))").count() == 0
    assert tab.errors == []


def test_the_first_screen_answers(tab: Tab, report: Path) -> None:
    tab.open(report)
    page = tab.page
    first = page.locator(".heat").first
    assert first.is_visible() and page.locator("p.lead").first.is_visible()
    titles = first.locator("thead th").all_inner_texts()
    assert any(title.startswith("MXNet Gluon") and "archived 2023" in title for title in titles)
    for row in first.locator("tbody tr").all():
        cells = row.locator("td").all_inner_texts()
        assert len(cells) == first.locator("thead th").count() - 1
    # by a framework: the task first at which it is the fastest
    (column,) = (place for place, title in enumerate(titles) if title == "PyTorch")
    first.locator("thead button").nth(column).click()
    first.locator("thead button").nth(column).click()
    shown = first.locator(f"tbody tr td:nth-child({column + 1})").first.inner_text()
    assert shown.startswith("100 %")


def test_what_the_filters_show_is_in_the_address(tab: Tab, report: Path) -> None:
    tab.open(report)
    tab.page.select_option("select[name=task]", "imdb-lstm")
    tab.page.select_option("select[name=framework]", "pytorch")
    address = tab.page.url
    assert "task=imdb-lstm" in address and "framework=pytorch" in address
    assert not tab.page.locator(".headline").first.is_visible()  # which is about all cells
    tab.page.goto("about:blank")
    tab.page.goto(address)
    assert tab.count("section[data-task]") == 1
    assert tab.page.input_value("select[name=task]") == "imdb-lstm"
    assert tab.count(".heat tbody tr") == 1 and tab.count(".heat tbody td[data-framework]") == 1
    assert not tab.page.locator(".heat tfoot").first.is_visible()  # the means of all tasks
    tab.page.select_option("select[name=task]", "")
    assert tab.page.locator(".heat tfoot").first.is_visible()
    tab.page.select_option("select[name=mode]", "eager")  # the map is of each one's fastest mode
    assert not tab.page.locator("#verdict").is_visible()
    tab.page.select_option("select[name=mode]", "")
    tab.page.click(".filters button")
    assert tab.page.url == report.as_uri() and tab.page.locator(".headline").first.is_visible()
    tab.page.goto(f"{report.as_uri()}?task=nonsense")
    assert tab.count("section[data-task]") == 3
    assert tab.errors == []


@pytest.mark.parametrize("width", [390, 1024])
def test_the_name_and_the_relative_speed_stay_in_sight(tab: Tab, report: Path, width: int) -> None:
    tab.open(report, width=width)
    table = tab.page.locator("table.cells").first
    table.scroll_into_view_if_needed()

    def inside(column: int) -> bool:
        box = table.locator(f"tbody tr:first-child td:nth-child({column})").bounding_box()
        return bool(box) and box["x"] >= 0 and box["x"] + box["width"] <= width

    assert inside(2) and inside(6)
    extra = table.locator("tbody tr:first-child td:nth-child(7)")
    assert not extra.is_visible()
    tab.page.locator("button.columns").first.click()
    assert extra.is_visible()
    tab.page.evaluate("document.querySelector('table.cells').parentElement.scrollLeft = 400")
    assert inside(2)  # the name is pinned


def test_the_certificate_has_a_page_of_its_own(tab: Tab, tmp_path: Path) -> None:
    file = tmp_path / "certificate.html"
    published = (PUBLISHED.parent / "certificate.json").read_text(encoding="utf-8")
    some = {"mnist-mlp", "imdb-lstm"}  # drawing the others' curves would only take longer
    certificates = [proof for proof in from_json(published) if proof.claim.task in some]
    file.write_text(certificate_page(certificates, of_proofs(certificates)), encoding="utf-8")
    tab.open(file, width=390)
    tab.scroll()
    assert tab.errors == []
    assert tab.page.evaluate("document.documentElement.scrollWidth") == 390
    assert tab.count(".chart svg.main-svg") > 0
