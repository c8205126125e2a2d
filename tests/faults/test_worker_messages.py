"""Whatever a worker says or does, reading what it says ends, soon, with a reason."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.launch import conversation as conversations
from bench.launch.conversation import Conversation, JobEndedError
from bench.launch.worker_messages import (
    MeasuredResult,
    Message,
    Phase,
    RatesResult,
    Result,
    TracedResult,
    decode,
)
from bench.system import children
from tests.conftest import FinishedRun
from tests.faults.fuzz import fuzzed

KINDS = (MeasuredResult, TracedResult, RatesResult, Result)
SAYS = "import os, sys, time; pipe = int(sys.argv[1]); say = lambda text: os.write(pipe, text)\n"
OK = b'{"event": "result", "status": "ok"}\n'


@pytest.fixture
def conversation(tmp_path: Path) -> Iterator[Callable[..., list[Message]]]:
    """The messages of a process that does what a line of Python says, to a pipe."""

    def hold(code: str, *, silence: float = 30.0, limit: float = 60.0) -> list[Message]:
        reading, writing = os.pipe()
        log = tmp_path / "worker.log"
        with (
            os.fdopen(reading, "rb", 0),
            log.open("wb") as printed,
            children.started(
                [sys.executable, "-c", SAYS + code, str(writing)],
                env=children.inherited(),
                stdout=printed,
                stderr=printed,
                pass_fds=(writing,),
            ) as process,
        ):
            os.close(writing)
            said = Conversation(process, reading, Result, log=log, silence=silence, limit=limit)
            return list(said)

    yield hold
    assert not children.live()


def test_messages_are_read_in_order(conversation: Callable[..., list[Message]]) -> None:
    phase = '{"event": "phase", "subject": "a\\ud800\\u001b[2J", "name": "b"}'
    said = conversation(f"say({phase.encode()!r} + b'\\n'); say({OK!r})")
    assert said == [Phase(subject=r"a\ud800\x1b[2J", name="b"), Result(status="ok")]


# What a worker does, and how its job then ends.
DEPARTURES = {
    "a line that is no JSON": ("say(b'oh no\\n')", "failed", "no message: .*oh no"),
    "an array": ("say(b'[1]\\n')", "failed", "no message"),
    "an empty line": ("say(b'\\n')", "failed", "no message"),
    "another event": ('say(b\'{"event": "party"}\\n\')', "failed", "no message.*party"),
    "no event": ("say(b'{}\\n')", "failed", "no message"),
    "a missing key": ('say(b\'{"event": "phase"}\\n\')', "failed", "no message.*subject"),
    "not UTF-8": ('say(b\'{"event": "\\xff"}\\n\')', "failed", "no message"),
    "a status that only a runner finds": (
        'say(b\'{"event": "result", "status": "timeout"}\\n\')',
        "failed",
        "no message.*timeout",
    ),
    "deep nesting": ("say(b'[' * 200_000 + b'\\n')", "failed", "no message"),
    "an end without a word": ("pass", "crashed", "^exit code 0$"),
    "an exit code": ("print('so long'); sys.exit(3)", "crashed", "^exit code 3: so long$"),
    "a signal": ("os.kill(os.getpid(), 11)", "crashed", "^killed by SIGSEGV$"),
    "a signal without a name": ("os.kill(os.getpid(), 40)", "crashed", "^killed by signal 40$"),
    "half a line": ("say(b'{\"event\": '); sys.exit(3)", "crashed", "^exit code 3$"),
    "a huge log": (
        "sys.stdout.write('x' * (1 << 26) + '\\nthe last'); sys.exit(3)",
        "crashed",
        "^exit code 3: the last$",
    ),
    "escapes in the log": (
        "print('\\x1b]0;mine\\x07'); sys.exit(3)",
        "crashed",
        r"^exit code 3: \\x1b\]0;mine\\x07$",
    ),
}


@pytest.mark.parametrize("departure", DEPARTURES)
def test_a_departure_has_a_status_and_a_reason(
    conversation: Callable[..., list[Message]], departure: str
) -> None:
    code, status, reason = DEPARTURES[departure]
    with pytest.raises(JobEndedError, match=reason) as ended:
        conversation(code)
    assert ended.value.status == status


# Those that would go on for long: each is ended by one of the bounds.
ENDLESS = {
    "silence": ("time.sleep(99)", {"silence": 0.5}, "timeout", "no sign of life for 0.5 s"),
    "a line without an end": (
        "while True: say(b'x')",
        {"silence": 0.5},
        "timeout",
        "no sign of life for 0.5 s",
    ),
    "news without an end": (
        'while True: say(b\'{"event": "phase", "subject": "", "name": ""}\\n\'); time.sleep(0.01)',
        {"limit": 0.5},
        "timeout",
        "not done after 0.5 s",
    ),
    "a child that holds the pipe": (
        "import subprocess\n"
        "subprocess.Popen(['sleep', '99'], pass_fds=(pipe,)); print('gone'); sys.exit(3)",
        {},
        "crashed",
        "exit code 3: gone",
    ),
    "a closed pipe": ("os.close(pipe); time.sleep(99)", {}, "crashed", "closed its pipe"),
}


@pytest.mark.frameworks
@pytest.mark.parametrize("kind", ENDLESS)
def test_waiting_ends(
    conversation: Callable[..., list[Message]], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "GRACE", 0.5)
    code, bounds, status, reason = ENDLESS[kind]
    with pytest.raises(JobEndedError, match=reason) as ended:
        conversation(code, **bounds)
    assert ended.value.status == status


def test_a_long_line_is_refused_before_it_ends(
    conversation: Callable[..., list[Message]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "LONGEST_LINE", 3 << 20)
    with pytest.raises(JobEndedError, match="a line of more than 3 MiB"):
        conversation("while True: say(b'x' * 100_000)")


def test_a_long_line_is_read_in_time_that_grows_with_its_length(
    conversation: Callable[..., list[Message]],
) -> None:
    """Sixteen megabytes in pieces: were each piece copied to the next, this would take minutes."""
    code = 'say(b\'{"event": "phase", "subject": "", "name": "\')\n'
    code += "for _ in range(4000): say(b'x' * 4000)\n"
    (phase, _) = conversation(code + f"say(b'\"}}\\n'); say({OK!r})")
    assert isinstance(phase, Phase) and len(phase.name) == 16_000_000


def result_of(finished_run: FinishedRun) -> dict[str, object]:
    """A result as a worker sends it, from a record of the finished run."""
    lines = (finished_run.folder / "records.jsonl").read_text(encoding="utf-8").splitlines()
    record = json.loads(lines[0])
    return {
        "event": "result",
        **{name: record[name] for name in ("status", "versions", "dataset", "measurement")},
    }


WRONG = {
    "no measurement": lambda result: result.pop("measurement"),
    "no windows": lambda result: [column.clear() for column in windows(result).values()],
    "windows of no time": lambda result: windows(result)["wall"].__setitem__(0, 0.0),
    "windows of less than no time": lambda result: windows(result)["wall"].__setitem__(0, -1.0),
    "losses that were read in less than no time": lambda result: windows(result)[
        "read"
    ].__setitem__(0, -1.0),
    "a turn before the first": lambda result: windows(result)["turn"].__setitem__(0, -1),
    "seconds below zero": lambda r: r["measurement"]["other_seconds"].update(close=-1.0),
    "windows of no steps": lambda result: windows(result)["steps"].__setitem__(0, 0),
    "columns of two lengths": lambda result: windows(result)["wall"].pop(),
    "no evaluation": lambda result: result["measurement"]["evaluations"].clear(),
    "a text for a number": lambda result: result["measurement"].update(build_seconds="1"),
    "not a number": lambda result: result["measurement"].update(build_seconds=float("nan")),
    "an infinity": lambda result: windows(result)["wall"].__setitem__(0, float("inf")),
    "an infinite metric": lambda r: r["measurement"]["evaluations"][0].update(metric=1e308 * 10),
}


def windows(result: dict[str, dict[str, dict[str, list[float]]]]) -> dict[str, list[float]]:
    return result["measurement"]["windows"]


@pytest.mark.parametrize("fault", WRONG)
def test_a_result_that_cannot_be_is_no_message(finished_run: FinishedRun, fault: str) -> None:
    result = result_of(finished_run)
    assert isinstance(decode(json.dumps(result).encode(), MeasuredResult), MeasuredResult)
    WRONG[fault](result)
    with pytest.raises(ValueError, match=r"."):
        decode(json.dumps(result).encode(), MeasuredResult)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
EVENTS = st.sampled_from(["phase", "progress", "finished", "ready", "window", "result"])
KEYS = ("subject", "name", "done", "total", "status", "reason", "traced", "measurement", "wall")


@fuzzed
@given(
    st.one_of(
        st.binary(max_size=200),
        JSON.map(lambda value: json.dumps(value).encode()),
        st.builds(
            lambda event, fields: json.dumps({"event": event, **fields}).encode(),
            EVENTS,
            st.dictionaries(st.sampled_from(KEYS), JSON | st.just("ok")),
        ),
    )
)
def test_any_line_is_a_message_or_none(line: bytes) -> None:
    for kind in KINDS:
        try:
            message = decode(line, kind)
        except (ValueError, RecursionError):
            continue
        assert isinstance(message, Message)
