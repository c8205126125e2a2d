"""Pictures that trained networks draw: sent by a worker, kept as PNG, shown and published."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from bench.analysis.results import Results
from bench.core.arrays import Array
from bench.core.measurement import PictureFile
from bench.core.pictures import Mark, Picture, picture_fields
from bench.core.record import SCHEMA, Record
from bench.launch import picture_files
from bench.launch.worker_messages import MeasuredResult, SentPicture, decode
from bench.records import record_lines, run_folder
from bench.records.run_folder import PICTURES, Run
from bench.report.gallery import publication
from bench.report.run import run_forms
from bench.report.run.run_page import run_page
from tests.test_core import some_record
from tests.test_publish import QUICK, only_tables
from tests.test_stats import RECORDS
from tests.test_tables import run_of

GRAY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
RED_GREEN = np.stack([GRAY, GRAY[::-1], 0 * GRAY], axis=-1)


def sent(picture: Picture) -> SentPicture:
    """The picture as the runner gets it from a worker."""
    line = json.dumps(
        {"event": "result", "status": "failed", "pictures": [picture_fields(picture)]}
    )
    message = decode(line.encode(), MeasuredResult)
    assert isinstance(message, MeasuredResult)
    (found,) = message.pictures
    return found


@pytest.mark.parametrize("pixels", [GRAY, RED_GREEN], ids=["gray", "color"])
def test_a_picture_arrives_as_it_was_drawn(pixels: Array, tmp_path: Path) -> None:
    drawn = sent(Picture(title="a “picture”", pixels=pixels))
    kept = picture_files.keep([drawn, drawn], tmp_path / "pictures", "0001-a")
    assert kept == tuple(
        PictureFile(title="a “picture”", file=f"0001-a-{number}.png") for number in (1, 2)
    )
    for one in kept:
        with Image.open(tmp_path / "pictures" / one.file) as image:
            assert (np.asarray(image) == pixels).all()


def test_marks_stand_below_their_places() -> None:
    white = np.full((10, 200), 255, np.uint8)
    marks = (Mark(text="l", place=0.25), Mark(text="l", place=0.75))
    content = picture_files.as_png(sent(Picture(title="t", pixels=white, marks=marks)))
    with Image.open(io.BytesIO(content)) as image:
        pixels = np.asarray(image)
    assert pixels.shape[0] > 10 and pixels.shape[1] == 200
    assert (pixels[:10] == 255).all()
    inked = np.flatnonzero((pixels < 128).any(axis=0))
    left, right = inked[inked < 100], inked[inked >= 100]
    assert abs(left.mean() - 50) < 4 and abs(right.mean() - 150) < 4


@pytest.mark.parametrize(
    "changed",
    [
        {"width": 0, "pixels": ""},
        {"width": 1025, "height": 1, "pixels": base64.b64encode(bytes(1025)).decode()},
        {"width": 5},
        {"pixels": "?"},
        {"marks": [{"text": "a", "place": 1.1}]},
        {"marks": [{"text": "a" * 21, "place": 0.5}]},
    ],
    ids=["empty", "wide", "too few pixels", "no base64", "mark beside", "long mark"],
)
def test_a_picture_that_cannot_be_one_is_refused(changed: dict[str, Any]) -> None:
    fields = picture_fields(Picture(title="t", pixels=GRAY)) | changed
    line = json.dumps({"event": "result", "status": "failed", "pictures": [fields]})
    with pytest.raises(ValueError):
        decode(line.encode(), MeasuredResult)


def drawing(record: Record, *pictures: PictureFile) -> Record:
    """The record with these pictures."""
    assert record.measurement
    return replace(record, measurement=replace(record.measurement, pictures=pictures))


@pytest.mark.parametrize("files", [["../a.png"], ["/a.png"], [""], ["a.png"] * 21])
def test_a_record_with_pictures_elsewhere_or_too_many_is_refused(files: list[str]) -> None:
    record = drawing(some_record(), *(PictureFile(title="t", file=file) for file in files))
    with pytest.raises(ValueError, match="pictures"):
        record_lines.record(record.to_json().encode())


def drawn_run(folder: Path) -> Run:
    """A run of which two frameworks have drawn two pictures each; one of them is lost."""

    def with_pictures(record: Record) -> Record:
        name = record.job.cell.framework
        if name not in "ab" or record.job.block:
            return record
        files = (PictureFile(title=f"<{t}>", file=f"{name}{t}.png") for t in "xy")
        return drawing(record, *files)

    (folder / PICTURES).mkdir()
    for name in ("ax", "bx", "by"):
        (folder / PICTURES / f"{name}.png").write_bytes(name.encode())
    return replace(run_of([*map(with_pictures, RECORDS)]), folder=folder)


def test_a_page_has_the_pictures_of_all_frameworks_beside_each_other(tmp_path: Path) -> None:
    page = run_page(Results.of(drawn_run(tmp_path)))
    assert "<h3>What the networks draw</h3>" in page
    part = page[page.index("What the networks draw") :]
    places = []
    for name in ("ax", "bx", "by"):
        source = f"data:image/png;base64,{base64.b64encode(name.encode()).decode()}"
        title = f"&lt;{name[1]}&gt;: {name[0]}"
        places.append(part.index(f'<img src="{source}" alt="{title}">'))
    assert places == sorted(places)
    assert "pictures/ay.png cannot be read." in part


def test_markdown_and_a_terminal_say_where_pictures_are(tmp_path: Path) -> None:
    results = Results.of(drawn_run(tmp_path))
    text = run_forms.to_markdown(results)
    assert "### What the networks draw\n" in text
    assert text.index("![a](pictures/ax.png)") < text.index("![b](pictures/bx.png)")
    console = Console(file=io.StringIO(), width=120)
    console.print(run_forms.to_terminal(results, width=120))
    assert isinstance(console.file, io.StringIO)
    assert "a: pictures/ax.png" in console.file.getvalue()


def test_pictures_are_published_with_their_run(tmp_path: Path) -> None:
    run = run_folder.read(QUICK)
    first, *others = (replace(record, schema=SCHEMA) for record in run.records)
    records = [drawing(first, PictureFile(title="t", file="ax.png")), *others]
    folder = tmp_path / "mine"
    (folder / PICTURES).mkdir(parents=True)
    for name in ("ax.png", "of nothing.png"):
        (folder / PICTURES / name).write_bytes(b"content")
    run_folder.write_info(folder, run.info)
    lines = "".join(f"{record.to_json()}\n" for record in records)
    (folder / run_folder.RECORDS).write_text(lines, encoding="utf-8")
    target = tmp_path / "theirs"
    publication.publish(
        run_folder.read(folder), target, about=None, overwrite=False, forms=only_tables
    )
    assert [file.name for file in (target / PICTURES).iterdir()] == ["ax.png"]
    assert "](pictures/ax.png)" in (target / "summary.md").read_text(encoding="utf-8")
