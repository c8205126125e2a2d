"""What networks have written, in the report: who agrees, and where the others part."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest
from rich.console import Console

from bench.analysis.results import Results
from bench.analysis.written_texts import COMPARED, WrittenTexts, bleu_by_cell, written_texts
from bench.core.measurement import Passage
from bench.core.record import Cell, Record
from bench.core.setting import Setting
from bench.records.run_folder import Run
from bench.report.run import run_forms
from bench.report.run.run_page import run_page
from tests.test_samples import writing
from tests.test_stats import RECORDS
from tests.test_tables import run_of


def cell_of(framework: str) -> Cell:
    return Cell(framework=framework, task="t", mode="eager", setting=Setting())


def test_texts_part_from_that_of_most_cells() -> None:
    texts = {"a": "to be", "b": "to bee", "c": "to go", "d": "to go"}
    found = WrittenTexts.of("given", [(cell_of(name), texts[name]) for name in texts])
    assert found.agreed == len("to ")
    versions = [
        ("".join(cell.framework for cell in one.cells), one.text, one.agreed)
        for one in found.versions
    ]
    assert versions == [("cd", "to go", 5), ("a", "to be", 3), ("b", "to bee", 3)]


GIVEN = "Who's <there>?\n"
WROTE = {"a": "Nay, answer me\n", "b": "Nay, answer <him>\n", "c": "Nay, answer me\n"}


def written_run(wrote: Mapping[str, str] = WROTE, given: str = GIVEN) -> Run:
    """A run of four frameworks, of which those named in `wrote` have written something.

    What they have written in the second block differs, and does not count.
    """

    def with_text(record: Record) -> Record:
        text, block = wrote.get(record.job.cell.framework), record.job.block
        if text is None or block > 1:
            return record
        return writing(record, Passage(given=given, written=text + "again" * block))

    return run_of([*map(with_text, RECORDS)])


def in_a_terminal(run: Run) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(run_forms.to_terminal(Results.of(run), width=120))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_first_sample_of_each_cell_is_compared() -> None:
    (table,) = Results.of(written_run()).tables
    (texts,) = written_texts(table)
    assert texts.given == GIVEN
    assert [version.text for version in texts.versions] == [WROTE["a"], WROTE["b"]]
    assert [[cell.framework for cell in one.cells] for one in texts.versions] == [["a", "c"], ["b"]]


def test_a_page_marks_where_a_text_parts_from_the_others() -> None:
    page = run_page(Results.of(written_run()))
    assert "The same in all 3 up to character 12. The marks begin where a text parts" in page
    assert '<div class="written soft">Who&#39;s &lt;there&gt;?\n</div>' in page
    assert '<h4>a and c</h4>\n<div class="written">Nay, answer me\n</div>' in page
    marked = '<div class="written">Nay, answer <mark>&lt;him&gt;\n</mark></div>'
    assert f"<h4>b</h4>\n{marked}" in page
    assert page.count("<mark>") == 1


def test_markdown_and_a_terminal_give_the_first_text_and_the_rest_of_others() -> None:
    run = written_run()
    text = run_forms.to_markdown(Results.of(run))
    assert "### What the networks write\n" in text
    assert "Given:\n\n```text\nWho's <there>?\n```\n" in text
    assert "The same in all 3 up to character 12.\n" in text
    assert "\na and c:\n\n```text\nNay, answer me\n```\n" in text
    assert "\nb, from character 13 on:\n\n```text\n<him>\n```\n" in text
    lines = [line.rstrip() for line in in_a_terminal(run).splitlines()]
    start = lines.index("What the networks write")
    assert [line for line in lines[start + 1 : start + 10] if line][:6] == [
        "Who's <there>?",
        "The same in all 3 up to character 12.",
        "a and c:",
        "Nay, answer me",
        "b, from character 13 on:",
        "<him>",
    ]


@pytest.mark.parametrize(
    ("wrote", "line"),
    [
        ({"a": "x", "b": "x", "c": "x", "d": "x"}, "The same text from all 4."),
        ({"a": "x", "b": "y"}, "The 2 differ from the first character on."),
        ({"a": "x", "b": "xy"}, "The same in all 2 up to character 1."),
    ],
)
def test_a_line_says_how_far_texts_agree(wrote: Mapping[str, str], line: str) -> None:
    run = written_run(wrote)
    for text in (run_page(Results.of(run)), in_a_terminal(run)):
        assert line in text


def test_a_text_that_ends_before_the_others_says_so() -> None:
    run = written_run({"a": "to be", "b": "to be", "c": "to"})
    assert '<div class="written">to<mark>(ends here)</mark></div>' in run_page(Results.of(run))
    assert "c, from character 3 on:\n(ends here)" in in_a_terminal(run).replace(" \n", "\n")


def test_what_one_cell_writes_is_compared_with_nothing() -> None:
    page = run_page(Results.of(written_run({"b": "Nay"})))
    assert '<h4>b</h4>\n<div class="written">Nay</div>' in page
    assert "<mark>" not in page and "The marks begin" not in page and "The same in" not in page


def test_translations_have_a_score_and_what_a_person_wrote() -> None:
    """BLEU worked out by hand: see the comments."""
    expected = "un chat noir dort ici ."

    def with_text(record: Record) -> Record:
        written = {"a": expected, "b": "un chat noir dort là .", "c": "ici"}
        text = written.get(record.job.cell.framework)
        if text is None:
            return record
        return writing(record, *[Passage(given="a cat", written=text, expected=expected)] * 12)

    run = run_of([*map(with_text, RECORDS)])
    (table,) = Results.of(run).tables
    scores = {cell.framework: score for cell, score in bleu_by_cell(table).items()}
    # Of six words five are right, of five pairs three, of four triples two, of three fours one.
    b = 100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** (1 / 4)
    assert scores == pytest.approx({"a": 100, "b": b, "c": 0}, abs=1e-9)
    assert len(written_texts(table)) == COMPARED
    line = f"words split as in training): a 100.0, b {b:.1f}, c 0.0. The first 10 are shown."
    page, text = run_page(Results.of(run)), run_forms.to_markdown(Results.of(run))
    terminal = in_a_terminal(run)
    assert line in page and line in text and line in " ".join(terminal.split())
    assert f'<p>A person wrote:</p>\n<div class="written soft">{expected}</div>' in page
    assert f"A person wrote:\n\n```text\n{expected}\n```\n" in text
    assert f"A person wrote: {expected}" in terminal


def test_a_run_without_samples_shows_none() -> None:
    run = written_run({})
    for text in (
        run_page(Results.of(run)),
        run_forms.to_markdown(Results.of(run)),
        in_a_terminal(run),
    ):
        assert "What the networks write" not in text and "<mark>" not in text
