"""A run on several machines says so, and gives paces by the kind of machine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.kind_paces import paces_by_kind
from bench.analysis.results import Results
from bench.launch import catalogue
from bench.records import run_folder
from bench.report.run import run_forms
from bench.report.run.footer import machine_text
from bench.report.run.run_page import run_page

PUBLISHED = catalogue.TREE / "results" / "quick-epyc-2cpu"


def on_nodes(target: Path, facts: dict[str, dict[str, Any]]) -> Results:
    """A copy of a published run whose blocks were measured on these nodes in turn."""
    shutil.copytree(PUBLISHED, target, ignore=shutil.ignore_patterns("*.html", "*.png"))
    names = list(facts)
    lines = []
    for line in (target / "records.jsonl").read_text(encoding="utf-8").splitlines():
        fields = json.loads(line)
        if fields["job"]["cell"]["task"] == "mnist-mlp":
            fields["node"] = names[fields["job"]["block"] % len(names)]
            lines.append(json.dumps(fields))
    (target / "records.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    info = run_folder.read_info(target)
    nodes = {name: {**info["machine"], **changed} for name, changed in facts.items()}
    run_folder.write_info(target, {**info, "nodes": nodes})
    return Results.of(run_folder.read(target))


def test_unlike_machines_have_paces_of_their_own(tmp_path: Path) -> None:
    results = on_nodes(tmp_path / "r", {"n1": {}, "n2": {"cpu": "Abacus"}, "n3": {}})
    assert [kind.nodes for kind in results.run.node_kinds] == [("n1", "n3"), ("n2",)]
    words = machine_text(results)
    assert words.startswith("2 × ") and "; 1 × Abacus, " in words
    markdown = run_forms.to_markdown(results)
    assert "measured on 3 machines of 2 kinds" in markdown
    assert "## Paces by kind of machine" in markdown and "kind n1" in markdown
    assert "This run was made on unlike machines: kind n1 (2 × " in markdown
    page = run_page(results)
    assert "Paces by kind of machine" in page and "1 × Abacus" in page
    listed = json.loads(run_forms.to_json(results))["paces_by_kind"]
    assert [kind["nodes"] for kind in listed[0]["kinds"]] == [["n1", "n3"], ["n2"]]
    for pace in paces_by_kind(results):
        records = [p for p in results.processes if p.record.job.cell == pace.cell]
        on_abacus = [p.throughput for p in records if p.record.node == "n2"]
        assert pace.throughputs[1] and pace.throughputs[0]
        assert [pace.throughputs[1].estimate] == pytest.approx(on_abacus)
    # ratios are those of the same run on one machine
    alone = on_nodes(tmp_path / "s", {"n": {}})
    relative = [summary.relative for summary in results.tables[0].summaries]
    assert relative == [summary.relative for summary in alone.tables[0].summaries]


def test_machines_of_a_kind_share_their_paces(tmp_path: Path) -> None:
    results = on_nodes(tmp_path / "r", {"n1": {}, "n2": {}})
    assert machine_text(results).startswith("2 × AMD EPYC")
    assert "measured on 2 machines of one kind" in run_forms.to_markdown(results)
    assert not list(paces_by_kind(results))
    assert "paces_by_kind" not in json.loads(run_forms.to_json(results))


def test_a_single_machine_is_not_counted(tmp_path: Path) -> None:
    results = on_nodes(tmp_path / "r", {"n1": {}})
    assert "×" not in machine_text(results)
    assert not any("machines" in caveat.text for caveat in results.caveats)
