"""The options of `framebench run`, and the request that they describe."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.options import (
    DataOption,
    DevicesOption,
    EnvOption,
    FrameworksOption,
    JsonOption,
    ModesOption,
    PrecisionsOption,
    ResultsOption,
    TuningOption,
    among,
    complete_runs,
    complete_tasks,
)

if TYPE_CHECKING:
    from bench.run.request import Request

PresetOption = Annotated[
    str,
    typer.Option(
        "--preset",
        "-p",
        help="quick, standard or full.",
        autocompletion=among(lambda: ("quick", "standard", "full")),
    ),
]
PresetTasksOption = Annotated[
    list[str],
    typer.Option(
        "--task",
        "-t",
        help="A task; repeatable. Default: the preset's.",
        autocompletion=complete_tasks,
    ),
]
ThreadsOption = Annotated[int | None, typer.Option(help="Threads. Default: the usable cores.")]
RepeatsOption = Annotated[int | None, typer.Option("--repeats", "-n", help="Processes per cell.")]
EpochsOption = Annotated[int | None, typer.Option(help="Epochs to train.")]
TrainExamplesOption = Annotated[int | None, typer.Option(help="Training examples to use.")]
TestExamplesOption = Annotated[int | None, typer.Option(help="Test examples to use.")]
LengthOption = Annotated[int | None, typer.Option(help="Cut texts to this many tokens.")]
FeedOption = Annotated[
    str,
    typer.Option(
        help="host: the time to turn arrays into tensors counts; device: it does not.",
        autocompletion=among(lambda: ("host", "device")),
    ),
]
SeedOption = Annotated[int, typer.Option(help="Seed of the first block; each block adds one.")]
WarmupOption = Annotated[float, typer.Option(help="Longest warm-up before timing, in seconds.")]
WindowOption = Annotated[float, typer.Option(help="Intended length of a timed window, in seconds.")]
SecondsOption = Annotated[
    float | None,
    typer.Option(
        help="Time each process for this many seconds at least. Default: the preset's, 2 or 4."
    ),
]
TimeoutOption = Annotated[
    float, typer.Option(help="Kill a worker that is silent for this many seconds.")
]
TimeLimitOption = Annotated[
    str, typer.Option(help="Kill a worker that is not done after this time: 90s, 30m, 2h.")
]
MemoryLimitOption = Annotated[
    str | None,
    typer.Option(
        help="The most memory that a worker may take: 900M, 8G. Default: what the machine has, "
        "less 1G. Exact where a control group of cgroup v2 can be made; elsewhere a worker may "
        "allocate 2G more on a CPU, and any amount on a GPU."
    ),
]
SpareOption = Annotated[
    int | None,
    typer.Option(help="Most blocks to add in place of disturbed ones. Default: half the repeats."),
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        help="Add blocks until every ratio is known to within this, such as 2%; with one "
        "framework, its pace. Exit code 1 if the time runs out first."
    ),
]
BudgetOption = Annotated[
    str | None,
    typer.Option(help="The most time that --until may take: 90s, 30m, 2h. Default: 1h."),
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        help="Measure only a part: 3/8 is every eighth block of a task, from the third on, with "
        "the seeds of the whole. `framebench merge` makes one run of all parts."
    ),
]
EngineOption = Annotated[
    str,
    typer.Option(
        help="local: this machine measures; ray: the nodes of a Ray cluster do, a block of a task "
        "at a time.",
        autocompletion=among(lambda: ("local", "ray")),
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        help="With --engine ray: HOST or HOST:PORT of the cluster's head. Default: the cluster "
        "that this machine is in."
    ),
]
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A .npz or .safetensors file of weights for what a task does not train, such as "
        "torchvision's VGG-19 for style-transfer. Default: drawn from the seed.",
        show_default=False,
    ),
]
ResumeOption = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on with RUN, or with the newest unfinished run, where it stopped."
    ),
]
AddBlocksOption = Annotated[
    int | None,
    typer.Option(help="Make RUN, or the newest finished run, longer by so many repeats."),
]
WaitForQuietOption = Annotated[
    str | None,
    typer.Option(
        help="Before timing, wait for at most this time until others leave the processor alone: "
        "10m. Then run in any case."
    ),
]
ShowConfigOption = Annotated[
    bool,
    typer.Option(
        "--show-config",
        help="Print every option that holds, and where it comes from, instead of running; with "
        "--json as JSON.",
    ),
]
ResumedArgument = Annotated[
    Path | None,
    typer.Argument(
        help="With --resume or --add-blocks: a run's folder, or its name under --results.",
        autocompletion=complete_runs,
        show_default=False,
    ),
]
NameOption = Annotated[
    str | None, typer.Option(help="Name of the run's folder. Default: time and preset.")
]


# The options of a single call of the command, which are not a request's; of weights, a request has
# what was read.
ONE_CALL = (
    *("run", "resume", "add_blocks", "address", "weights", "json", "wait_for_quiet"),
    "show_config",
)
# The options that may be given several times, which a request has in the plural.
_SEVERAL = ("framework", "task", "mode", "device", "precision", "tuning")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Every option by its name on the command line, with its default."""

    run: ResumedArgument = None
    framework: FrameworksOption = field(default_factory=list)
    task: PresetTasksOption = field(default_factory=list)
    preset: PresetOption = "quick"
    mode: ModesOption = field(default_factory=lambda: ["recommended"])
    device: DevicesOption = field(default_factory=lambda: ["cpu"])
    precision: PrecisionsOption = field(default_factory=lambda: ["float32"])
    tuning: TuningOption = field(default_factory=lambda: ["expert"])
    threads: ThreadsOption = None
    repeats: RepeatsOption = None
    epochs: EpochsOption = None
    train_examples: TrainExamplesOption = None
    test_examples: TestExamplesOption = None
    length: LengthOption = None
    feed: FeedOption = "host"
    seed: SeedOption = 0
    data: DataOption = "auto"
    env: EnvOption = "own"
    warmup: WarmupOption = 2.0
    window: WindowOption = 0.1
    seconds: SecondsOption = None
    timeout: TimeoutOption = 300.0
    time_limit: TimeLimitOption = "24h"
    memory_limit: MemoryLimitOption = None
    spare: SpareOption = None
    until: UntilOption = None
    budget: BudgetOption = None
    shard: ShardOption = None
    engine: EngineOption = "local"
    address: AddressOption = None
    weights: WeightsOption = None
    results: ResultsOption = Path("results")
    name: NameOption = None
    resume: ResumeOption = False
    add_blocks: AddBlocksOption = None
    json: JsonOption = False
    wait_for_quiet: WaitForQuietOption = None
    show_config: ShowConfigOption = False

    @property
    def quiet_within(self) -> float | None:
        """The seconds of `--wait-for-quiet`. Raises UsageError if they are malformed."""
        from bench.run.request import duration

        return None if self.wait_for_quiet is None else duration(self.wait_for_quiet)

    @staticmethod
    def request_field(option: str) -> str:
        """The field of a request that an option sets."""
        return {"budget": "budget_seconds"}.get(option, f"{option}{'s' * (option in _SEVERAL)}")

    def to_request(self, settings: Sequence[str]) -> Request:
        """The request. `settings` are the options that the command line has left to the file.

        Raises UsageError for a malformed percentage, duration, size or shard.
        """
        from bench.core.shard import Shard
        from bench.run.request import Request, duration, fraction, size

        values: dict[str, Any] = vars(self).copy()
        for name in _SEVERAL:
            values[self.request_field(name)] = values.pop(name)
        for name in ONE_CALL:
            del values[name]
        until, budget = values.pop("until"), values.pop("budget")
        shard = values.pop("shard")
        time_limit, memory_limit = values.pop("time_limit"), values.pop("memory_limit")
        return Request(
            **values,
            time_limit=duration(time_limit),
            memory_limit=None if memory_limit is None else size(memory_limit),
            until=None if until is None else fraction(until),
            budget_seconds=None if budget is None else duration(budget),
            shard=None if shard is None else Shard.parse(shard),
            command=shlex.join(["framebench", *_without_folders([*sys.argv[1:], *settings])]),
        )


def _without_folders(arguments: Sequence[str]) -> Iterator[str]:
    """A command line with the name of the file of weights alone, so that a run can be published."""
    for before, word in zip(["", *arguments], arguments, strict=False):
        if before == "--weights":
            yield Path(word).name
        elif word.startswith("--weights="):
            yield f"--weights={Path(word.partition('=')[2]).name}"
        else:
            yield word
