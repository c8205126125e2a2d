"""Text from elsewhere is only shown: in a terminal, in Markdown, in pages, and to programs."""

from __future__ import annotations

import ast
import csv
import io
import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from rich.console import RenderableType

from bench.advice import personas
from bench.analysis.comparison.gate import judge
from bench.analysis.comparison.run_comparison import compare
from bench.analysis.history import history
from bench.analysis.results import Results
from bench.cli.display import PlainConsole, SetupDisplay
from bench.core.measurement import Passage
from bench.core.record import Record
from bench.launch import catalogue
from bench.records import run_folder
from bench.records.run_folder import Run
from bench.report.advice import advice_forms, advice_json
from bench.report.advice.advice_page import advice_page
from bench.report.advice.advice_report import build_report
from bench.report.common import markdown, programs
from bench.report.comparison import comparison_data, comparison_forms
from bench.report.comparison.comparison_page import comparison_page
from bench.report.gallery import gallery_index
from bench.report.gallery.published_runs import PublishedRun
from bench.report.history import history_forms
from bench.report.proof import proof_forms, proof_page
from bench.report.run import pytest_benchmark, run_forms
from bench.report.run.run_page import run_page
from tests.faults.hostile_text import HOSTILE, MARK, changed_run, hostile
from tests.test_page import Tab, open_all, tab, varied
from tests.test_samples import writing

__all__ = ["tab"]

PUBLISHED = catalogue.TREE / "results" / "quick-epyc-2cpu"
WIDTH = 160


@dataclass(frozen=True, kw_only=True)
class Forms:
    """All forms of a run, by the commands that print them."""

    terminal: Mapping[str, RenderableType]
    markdown: Mapping[str, str]
    html: Mapping[str, str]
    csv: Mapping[str, str]
    json: Mapping[str, str]

    @staticmethod
    def of(run: Run) -> Forms:
        results = Results.of(run)
        other = Results.of(replace(run, folder=run.folder / "other"))
        pair = compare(results, other, tasks=(), frameworks=())
        gate = judge(pair, limit=0.05)
        advice = build_report(results, [personas.load("balanced")], [])
        proofs, snapshot = results.certificates, results.snapshot
        paces = history([results, other], results.run.info["machine"])
        runs, folder = [PublishedRun.of(results)], Path("results")
        return Forms(
            terminal={
                "report": run_forms.to_terminal(results, width=WIDTH),
                "compare": comparison_forms.to_terminal(pair, gate, width=WIDTH),
                "recommend": advice_forms.to_terminal(advice, width=WIDTH, facts=True),
                "verify": proof_forms.to_terminal(proofs, snapshot, width=WIDTH),
                "history": history_forms.to_terminal(paces, width=WIDTH),
            },
            markdown={
                "report": run_forms.to_markdown(results),
                "compare": comparison_forms.to_markdown(pair, gate),
                "recommend": advice_forms.to_markdown(advice, facts=True),
                "verify": proof_forms.to_markdown(proofs, snapshot),
                "publish": gallery_index.to_markdown(runs, folder),
            },
            html={
                "report": run_page(results),
                "verify": proof_page.certificate_page(proofs, snapshot),
                "publish": gallery_index.to_html(runs, folder),
                "compare": comparison_page(pair, gate),
                "recommend": advice_page(advice),
                "history": history_forms.to_page(paces, snapshot.compared),
            },
            csv={
                "report": run_forms.to_csv(results),
                "compare": comparison_data.to_csv(pair, gate),
                "history": history_forms.to_csv(paces),
            },
            json={
                "report": run_forms.to_json(results),
                "compare": comparison_data.to_json(pair, gate),
                "recommend": advice_json.to_json(advice),
                "verify": proof_forms.to_json(proofs),
                "publish": gallery_index.to_json(runs),
                "history": history_forms.to_json(paces),
                "export": pytest_benchmark.to_json(results)[0],
            },
        )


def one_task() -> Run:
    """A run of one task, in which one framework has written something else than the others."""
    run = run_folder.part(varied(run_folder.read(PUBLISHED)), tasks=["imdb-lstm"])
    return replace(run, records=[*map(_writing, run.records)])


def _writing(record: Record) -> Record:
    if record.measurement is None:
        return record
    written = "to be" if record.job.cell.framework == "pytorch" else "to go"
    return writing(record, Passage(given="question", written=written))


@pytest.fixture(scope="module")
def harmless() -> Forms:
    """With other texts than usual, as facts and literature are looked up by usual names."""
    return Forms.of(changed_run(one_task(), lambda text: f"other {text}" if text else ""))


@pytest.fixture(scope="module")
def acting() -> Forms:
    """The same with a hostile text in every place."""
    return Forms.of(changed_run(one_task(), hostile))


def printed(renderable: RenderableType) -> str:
    console = PlainConsole(file=io.StringIO(), force_terminal=True, width=WIDTH, no_color=True)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.frameworks
@pytest.mark.parametrize("command", ["report", "compare", "recommend", "verify"])
def test_nothing_in_a_text_acts_on_a_terminal(acting: Forms, command: str) -> None:
    text = printed(acting.terminal[command])
    # The console's own styles are bold and dim.
    for own in ("\x1b[1m", "\x1b[2m", "\x1b[0m", "\x1b[1;31m"):
        text = text.replace(own, "")
    acts = {character for character in text if unicodedata.category(character) in ("Cc", "Cf")}
    assert acts <= {"\n"}
    assert "\\x1b" in text and "[red]" in "".join(text.split())


def test_progress_in_a_terminal_shows_markup_and_controls() -> None:
    for terminal in (False, True):
        console = PlainConsole(file=io.StringIO(), force_terminal=terminal, width=4000)
        display = SetupDisplay(console)
        display.finished("pip", HOSTILE)
        assert isinstance(console.file, io.StringIO)
        text = console.file.getvalue()
        assert "\x1b]0" not in text
        if not terminal:
            assert "[red] [link=x]y[/link] :smile:" in text


def structure(text: str) -> list[str]:
    """The kinds of a Markdown text's blocks, and what acts within its lines."""
    kinds = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        kinds.append(token.type)
        inline = (child.type for child in token.children or ())
        kinds += [kind for kind in inline if kind not in ("text", "softbreak", "text_special")]
    return kinds


@pytest.mark.parametrize("command", ["report", "compare", "recommend", "verify", "publish"])
def test_no_text_changes_the_shape_of_markdown(
    harmless: Forms, acting: Forms, command: str
) -> None:
    assert structure(acting.markdown[command]) == structure(harmless.markdown[command])


class Elements(HTMLParser):
    """The elements of a page with their attributes' names, except those that colour code."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []
        self.targets: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "span":
            self.found.append((tag, *(name for name, _ in attrs)))
        self.targets += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment",))


@pytest.mark.parametrize(
    "command", ["report", "verify", "publish", "compare", "recommend", "history"]
)
def test_no_text_changes_the_shape_of_a_page(harmless: Forms, acting: Forms, command: str) -> None:
    page = Elements(acting.html[command])
    assert page.found == Elements(harmless.html[command]).found
    assert not [target for target in page.targets if "javascript:" in target]


def cells(text: str) -> Iterator[list[str]]:
    yield from csv.reader(io.StringIO(text))


@pytest.mark.parametrize("command", ["report", "compare", "history"])
def test_csv_has_the_same_rows_and_no_formulas(
    harmless: Forms, acting: Forms, command: str
) -> None:
    rows, before = list(cells(acting.csv[command])), list(cells(harmless.csv[command]))
    assert [*map(len, rows)] == [*map(len, before)]
    assert any("'=1+1" in cell for row in rows for cell in row)
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)


@pytest.mark.parametrize(
    "command", ["report", "compare", "recommend", "verify", "publish", "history", "export"]
)
def test_json_is_ascii_and_says_the_same(acting: Forms, command: str) -> None:
    text = acting.json[command]
    assert text.isascii()
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert MARK in text


def test_json_has_no_number_that_readers_refuse() -> None:
    values = {"a": float("nan"), "b": [float("inf"), (1.5,)]}
    assert json.loads(programs.to_json(values)) == {"a": None, "b": [None, [1.5]]}


@pytest.mark.frameworks
def test_a_page_of_hostile_texts_draws_every_chart_and_runs_nothing(
    tab: Tab, acting: Forms, tmp_path: Path
) -> None:
    for command, page in acting.html.items():
        file = tmp_path / f"{command}.html"
        file.write_text(page, encoding="utf-8")
        tab.open(file)
        open_all(tab)
        tab.scroll()
        charts = page.count('class="chart"')
        assert charts or command in ("publish", "recommend")
        assert tab.count(".chart:has(svg.main-svg)") == charts
        assert tab.page.title().startswith("framebench: ")
        assert not tab.count(".chart a:not(.modebar-btn)")
        assert tab.errors == [] and tab.requests == [file.as_uri()]


LINES = (
    *("# a", "> a", "- a", "+ a", "1. a", "2) a", "===", "---", "~~~", "    a", "a | b", "`a` |"),
    *("[a]: b", "<b>", "<!-- a", "&amp;", "*a*", "_a_", "__a__", "~~a~~", "a\n\n# b", "\\[a](b)"),
    *("![a](b)", "<http://a.b>", "a  \nb", "\ta", "-", "#", "1.", "\\"),
)


@pytest.mark.parametrize("text", LINES)
def test_an_escaped_line_is_shown_as_it_is(text: str) -> None:
    shown = text.strip().replace("\t", " ").replace("\n\n", " ").replace("\n", " ")
    for form, kinds in (
        (markdown.escaped(text), ["paragraph_open", "inline", "paragraph_close"]),
        (markdown.items([text]), None),
        (markdown.table(["a"], [[text]]), None),
    ):
        tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(form)
        assert not kinds or [token.type for token in tokens] == kinds
        inline = [token for token in tokens if token.type == "inline"]
        parts = inline[-1].children or []
        assert {part.type for part in parts} <= {"text", "text_special"}
        assert "".join(part.content for part in parts) == shown
        assert len(inline) <= 2


def test_blocks_and_pieces_of_code_end_where_they_should() -> None:
    parse: Callable[[str], list[str]] = structure
    assert parse(markdown.fenced("a\n```\n# b\n````", "python")) == ["fence"]
    assert parse(markdown.code("a`b``c")).count("code_inline") == 1


def test_only_one_module_writes_to_the_standard_streams() -> None:
    """What is written elsewhere would reach a terminal unchecked."""
    for file in sorted((catalogue.TREE / "bench").rglob("*.py")):
        path = file.relative_to(catalogue.TREE / "bench").as_posix()
        if path in ("cli/output.py", "cli/display.py") or path.startswith("worker/"):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            assert called not in ("print", "typer.echo", "typer.secho"), path
            # The progress of downloads shows names of our own.
            assert called != "Console" or path == "datasets/common/download.py", path
