"""`framebench show`: a task beside its models, true to the source, the task and the weights."""

from __future__ import annotations

import io
import json
import math
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bench import tasks
from bench.core.parameters import Parameter
from bench.core.weights import initial_weights
from bench.launch import catalogue
from bench.records.code_lines import code_lines
from bench.records.definition import parameter_words
from bench.report.common.task_fragment import style, to_html
from bench.report.task import listing_forms
from bench.report.task.task_listing import diff_models, list_task
from tests.conftest import Framebench
from tests.source_tree import copy_source

TASKS = tasks.names()


def source(framework: str, name: str) -> str:
    file = catalogue.FRAMEWORKS / framework / "models" / f"{tasks.load(name).network}.py"
    return file.read_text(encoding="utf-8")


class Page(HTMLParser):
    """The text of each `pre`, and the addresses that a browser would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.codes: list[str] = []
        self.fetched: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "pre":
            self._inside = True
            self.codes.append("")
        for name, value in attributes:
            if name in ("src", "href") and not (value or "").startswith("#"):
                self.fetched.append(f"{tag} {value}")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "pre"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.codes[-1] += data


def test_lines_of_code_leave_out_blanks_comments_and_docstrings() -> None:
    source = '''"""A module.

Of two lines."""

import math  # counted

# not counted
class One:
    """Not counted."""

    def two(self) -> str:
        """Not
        counted."""
        return (
            "counted"
            # a comment within a statement is none of it
            "too"
        )
'''
    assert code_lines(source) == len(("import", "class", "def", "return (", "counted", "too", ")"))
    assert code_lines('x = """not\na docstring"""\n') == 2


@pytest.mark.parametrize("name", TASKS)
def test_every_model_is_shown_as_it_is(name: str) -> None:
    listing = list_task(name)
    network = tasks.load(name).network
    frameworks = [catalogue.load(name) for name in catalogue.families() if name != "reference"]
    own = [each for each in frameworks if each.models == each.name and each.supports(network)]
    assert [model.framework for model in listing.models] == [*(f.name for f in own), "reference"]
    shared = [model for model in listing.models if model.framework == "keras"]
    assert all(model.title == "Keras and TensorFlow (Keras layers)" for model in shared)
    for model in listing.models:
        assert model.source.text == source(model.framework, name)
        assert 3 <= model.source.lines_of_code < len(model.source.text.splitlines())


def test_frameworks_are_shown_in_the_order_asked_for() -> None:
    listing = list_task("mnist-mlp", ["pytorch", "mxnet_gluon", "pytorch"])
    assert [model.framework for model in listing.models] == ["pytorch", "mxnet_gluon"]


def bound(parameter: Parameter) -> float:
    """The bound of Glorot and Bengio's uniform, from the fans of a gate or kernel."""
    outputs, inputs, *kernel = parameter.shape
    gates = {"lstm": 4, "gru": 3}.get(parameter.kind.partition("_")[0], 1)
    return math.sqrt(6 / (math.prod(kernel) * (inputs + outputs / gates)))


@pytest.mark.parametrize("name", TASKS)
def test_initial_weights_are_drawn_as_they_are_described(name: str) -> None:
    task = tasks.load(name)
    drawn = initial_weights(task, seed=0)
    for parameter in task.parameters:
        values, words = drawn[parameter.name], parameter_words(parameter)[-1]
        if words == "zeros":
            assert not values.any()
        elif words == "ones":
            assert (values == 1).all()
        elif words.startswith("zeros; ones in the "):  # of both kinds of layer, the second gate
            _, gate, *_ = np.split(values, 4 if words.endswith("forget gate") else 3)
            assert (gate == 1).all() and values.sum() == gate.sum()
        else:
            fan_in = math.prod(parameter.shape[1:])
            widest = {
                "uniform in ±0.05": 0.05,
                "uniform in ±0.0625": 2**-4,
                "uniform in ±0.25": 1 / 4,
                "uniform in ±0.377964": 7**-0.5,
                "He uniform": math.sqrt(6 / fan_in),
            }.get(words, bound(parameter))
            assert 0.9 * widest < np.abs(values).max() <= widest * (1 + 1e-6)


@pytest.mark.parametrize("name", TASKS)
def test_the_definition_has_the_task_s_figures(name: str) -> None:
    task, words = tasks.load(name), list_task(name).definition
    assert f"{task.parameter_count:,} values" in words["parameters"]
    batch = "the whole data set, " if task.whole else f"{task.batch} "
    assert words["batch"].startswith(batch)
    for update in task.updates:
        own = f"{update.name}, " if len(task.updates) > 1 else ""
        assert f"learning rate {update.optimizer.learning_rate:g}" in words[f"{own}optimizer"]
        assert words[f"{own}update"].count("w <- w - learning_rate") == 1
        assert words[own + update.loss.output].startswith(f"{task.layers[-1].width}, ")
    assert ("dropout" in words) == bool(task.dropout)
    assert ("noise" in words) == bool(task.noise)
    for layer, rate in task.dropout.items():
        assert f"{rate:g} behind {layer}" in words["dropout"]
    assert words["data"].startswith(task.dataset)
    for field in (task.fields[name] for name in task.inputs):
        assert str(field) in words["noise" if field.drawn_for else "data"]
    assert all(preset in words["training"] for preset in task.presets)


@pytest.mark.parametrize("width", [80, 100, 160, 240])
@pytest.mark.parametrize("name", TASKS)
def test_nothing_is_cut_in_a_terminal(name: str, width: int) -> None:
    console = Console(width=width, file=io.StringIO(), record=True)
    listing = list_task(name)
    console.print(listing_forms.to_terminal(listing, width=width))
    text = console.export_text()
    assert "…" not in text and max(map(len, text.splitlines())) <= width
    for parameter in listing.task.parameters:
        assert parameter.name in text
    for model in listing.models:
        for line in model.source.text.splitlines():
            if len(line) <= width:  # a longer one goes on below
                assert line in text


def test_models_stand_side_by_side_where_there_is_room() -> None:
    def heads(width: int) -> list[int]:
        console = Console(width=width, file=io.StringIO(), record=True)
        console.print(listing_forms.to_terminal(list_task("mnist-softmax"), width=width))
        lines = console.export_text().splitlines()
        return [line.count("lines of code") for line in lines if "lines of code" in line]

    every = len(list_task("mnist-softmax").models)
    assert heads(80) == [1] * every
    assert heads(160) == [2] * (every // 2) + [1] * (every % 2)
    assert heads(600) == [every]


def test_a_diff_can_be_applied(tmp_path: Path) -> None:
    diff = diff_models("cifar-cnn", "pytorch", "mxnet_gluon")
    (tmp_path / "cnn.py").write_text(diff.old.source.text, encoding="utf-8")
    subprocess.run(["git", "apply", "-p3", "-"], cwd=tmp_path, input=diff.text.encode(), check=True)
    assert (tmp_path / "cnn.py").read_text(encoding="utf-8") == diff.new.source.text


def test_a_diff_counts_the_shared_lines() -> None:
    diff = diff_models("mnist-softmax", "pytorch", "paddlepaddle")
    unchanged = [line for line in diff.text.splitlines() if line.startswith(" ")]
    assert diff.shared_lines >= len(unchanged) > 0
    assert f"have {diff.shared_lines} lines in common" in listing_forms.diff_summary(diff)


@pytest.mark.frameworks
def test_the_page_holds_every_model_and_fetches_nothing(framebench: Framebench) -> None:
    page = Page(framebench("show", "--format", "html").stdout)
    shown = [model.source.text.rstrip() for name in TASKS for model in list_task(name).models]
    assert [code.rstrip() for code in page.codes] == shown
    assert page.fetched == []


def test_the_page_of_a_diff(framebench: Framebench) -> None:
    printed = framebench("show", "imdb-lstm", "--diff", "pytorch", "paddlepaddle")
    page = framebench("show", "imdb-lstm", "--diff", "pytorch", "paddlepaddle", "--format", "html")
    (code,) = Page(page.stdout).codes
    assert code.strip() == diff_models("imdb-lstm", "pytorch", "paddlepaddle").text.strip()
    for line in code.splitlines():
        assert line in printed.stdout


def test_a_fragment_styles_nothing_but_itself() -> None:
    fragment = to_html(list_task("mnist-mlp").fragment, level=4)
    assert (
        fragment.count("<h4>") == len(list_task("mnist-mlp").models)
        and "<h3" not in fragment
        and "<style" not in fragment
    )
    plain = re.sub(r"/\*.*?\*/|@media[^{]*\{", "", str(style()))
    selectors = [selector.strip() for selector in re.findall(r"([^{}]+)\{", plain)]
    assert len(selectors) > 50
    for selector in selectors:
        assert all(part.strip().startswith(".listing") for part in selector.split(",")), selector


def test_markdown_and_json_hold_the_same_models(framebench: Framebench) -> None:
    markdown = framebench("show", "imdb-lstm", "--format", "markdown").stdout
    fields = json.loads(framebench("show", "imdb-lstm", "--json").stdout)
    blocks = re.findall(r"```python\n(.*?)```", markdown, re.DOTALL)
    texts = [model["text"] for model in fields["sources"]]
    assert (
        blocks == texts == [source(model["framework"], "imdb-lstm") for model in fields["sources"]]
    )
    assert fields["task"]["batch"] == 64 and fields["parameters"][0]["shape"] == "(25000, 100)"


def test_without_a_task_all_are_listed(framebench: Framebench) -> None:
    table = framebench("show").stdout
    assert "framebench show TASK" in table
    fields = json.loads(framebench("show", "--json").stdout)
    assert [task["name"] for task in fields] == TASKS
    for task in fields:
        assert task["about"]
        assert re.search(rf"{task['name']} +{re.escape(task['about'])}", table)
    assert framebench("show", "--format", "markdown").stdout.count("\n") == len(TASKS) + 2


@pytest.mark.frameworks
def test_a_framework_without_the_model_is_named(framebench: Framebench, tmp_path: Path) -> None:
    tree = copy_source(tmp_path / "tree")
    (tree / "frameworks" / "pytorch" / "models" / "lstm.py").unlink()
    assert "PyTorch has no model of it" in framebench("show", "imdb-lstm", tree=tree).stdout
    error = framebench("show", "imdb-lstm", "-f", "pytorch", tree=tree, expect=2).stderr
    assert error == "framebench: PyTorch has no model of imdb-lstm\n"
