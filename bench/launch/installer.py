"""Run venv and pip: with the settings that reach an index, and without those that break a build."""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.core.errors import UnavailableError
from bench.system import children
from bench.system.plain_text import one_line

# What the caller may set in the environment of any child for it to reach an index.
_NETWORK = (
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"),
    *("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"),
    *("DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND"),  # a keyring with an index's password
)
# The settings of pip, in its variables or its files, that say where packages come from. The others,
# such as `user`, `target` or `no-deps`, say where and how to install: that is decided here.
_SOURCES = (
    *("index-url", "extra-index-url", "no-index", "find-links", "trusted-host", "proxy"),
    *("cert", "client-cert", "timeout", "default-timeout", "retries", "resume-retries"),
    *("cache-dir", "no-cache-dir", "only-binary", "no-binary", "prefer-binary"),
    *("keyring-provider", "use-feature", "use-deprecated"),
)
_FILES = "PIP_CONFIG_FILE"
# Of pip's sections, later ones go first.
_SECTIONS = ("global", "install", ":env:")
# A reason is not cut off before this many characters: build logs are longer than any cure.
_LONGEST = 3000


def _variable(setting: str) -> str:
    return f"PIP_{setting.replace('-', '_').upper()}"


def _caller() -> dict[str, str]:
    """The caller's variables that venv and pip inherit."""
    return children.inherited(*_NETWORK, _FILES, *map(_variable, _SOURCES))


def make_environment(python: str, folder: Path) -> None:
    """Create a virtual environment. Raises UnavailableError with all that venv says."""
    _run([python, "-I", "-m", "venv", str(folder)], variables=_caller())


class Pip:
    """The pip of an environment, with the caller's sources of packages and no other setting."""

    def __init__(self, python: Path) -> None:
        """Raises UnavailableError with pip's reason if its configuration cannot be read."""
        self._command = [str(python), "-I", "-m", "pip", "--no-input"]
        self._command += ["--disable-pip-version-check", "--no-color"]
        # pip's files are read once, here, as they can set what no option can take back.
        listing = _run([*self._command, "config", "list"], variables=_caller())
        self._variables = {
            **children.inherited(*_NETWORK),
            **_chosen(listing),
            _FILES: os.devnull,
        }

    def run(self, *arguments: str, on_line: Callable[[str], None] = lambda line: None) -> str:
        """The output; `on_line` gets each line of it. Raises UnavailableError with the reason."""
        return _run([*self._command, *arguments], variables=self._variables, on_line=on_line)


def _chosen(listing: str) -> dict[str, str]:
    """The settings about sources in the output of `pip config list`, as variables."""
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        section, _, setting = key.rpartition(".")
        if section in found and setting in _SOURCES:
            try:
                found[section][setting] = str(ast.literal_eval(value))
            except (ValueError, SyntaxError):  # a line that is no setting
                continue
    merged = {name: value for section in _SECTIONS for name, value in found[section].items()}
    return {_variable(name): value for name, value in merged.items()}


def _run(
    command: Sequence[str],
    *,
    variables: Mapping[str, str],
    on_line: Callable[[str], None] = lambda line: None,
) -> str:
    """Run a command and return its output. Raises UnavailableError with its own message."""
    lines: list[str] = []
    with children.started(
        command,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout
        for raw in process.stdout:
            line = raw.decode(errors="replace")
            lines.append(line)
            on_line(line.strip())
        code = process.wait()
    if code:
        children.raise_if_stopped()
        raise UnavailableError(_reason(lines) or f"{Path(command[0]).name} ended with code {code}")
    return "".join(lines)


def _reason(lines: Sequence[str]) -> str:
    """Why a command failed, in one line: all from its first error on, and what came in between.

    pip tells as mere warnings that an index cannot be reached, and says afterwards that it has no
    such package. Where nothing is called an error, all that was said is the reason.
    """
    said = [line for line in lines if line.strip() and not line.startswith("[notice]")]
    start = next((n for n, line in enumerate(said) if line.lower().startswith("error:")), 0)
    causes = [
        line.partition("connection broken by ")[2] or line
        for line in said[:start]
        if "connection broken by " in line or line.startswith("Could not fetch URL")
    ]
    text = " ".join([*said[start:], *(["(the cause:", causes[-1], ")"] if causes else [])])
    text = text.replace("ERROR: ", "")
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 3]} ... {text[-_LONGEST * 2 // 3 :]}"
    return one_line(text, limit=_LONGEST + 5)
