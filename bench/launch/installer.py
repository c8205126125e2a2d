"""Run venv and pip: with the settings that reach an index, and without those that break a build."""

from __future__ import annotations

import configparser
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
_FILE = "PIP_CONFIG_FILE"
# The sections of pip's files that are about installing; what is in the second overrides the first.
_SECTIONS = ("global", "install")
# A reason is not cut off before this many characters: build logs are longer than any cure.
_LONGEST = 3000


def _variable(setting: str) -> str:
    return f"PIP_{setting.replace('-', '_').upper()}"


def _files() -> list[Path]:
    """The files from which pip takes its settings, later ones overriding earlier ones.

    https://pip.pypa.io/en/stable/topics/configuration/#location
    """
    named, home = os.environ.get(_FILE, ""), Path.home()
    if named == os.devnull:
        return []
    folders = os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    own = os.environ.get("XDG_CONFIG_HOME") or home / ".config"
    users = [home / ".pip" / "pip.conf", Path(own, "pip", "pip.conf")]
    return [
        *(Path(folder, "pip", "pip.conf") for folder in folders.split(os.pathsep)),
        Path("/etc/pip.conf"),
        *([] if named and Path(named).exists() else users),
        *([Path(named)] if named else []),
    ]


def _sources() -> dict[str, str]:
    """The caller's settings about sources of packages, from pip's files and variables.

    They are read here and not by pip, whose every command obeys the others, too. Raises
    UnavailableError for a file that is malformed.
    """
    found: dict[str, str] = {}
    for file in _files():
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (OSError, ValueError, configparser.Error) as error:
            raise UnavailableError(f"pip's settings in {file} cannot be read: {error}") from error
        for section in filter(parser.has_section, _SECTIONS):
            settings = {name.replace("_", "-"): value for name, value in parser.items(section)}
            found |= {_variable(name): settings[name] for name in _SOURCES if name in settings}
    return found | children.inherited(*map(_variable, _SOURCES))


def make_environment(python: str, folder: Path) -> None:
    """Create a virtual environment. Raises UnavailableError with all that venv says."""
    _run([python, "-I", "-m", "venv", str(folder)], variables=children.inherited(*_NETWORK))


class Pip:
    """The pip of an environment, with the caller's sources of packages and no other setting."""

    def __init__(self, python: Path) -> None:
        """Raises UnavailableError if pip's settings cannot be read."""
        self._command = [str(python), "-I", "-m", "pip", "--no-input"]
        self._command += ["--disable-pip-version-check", "--no-color"]
        self._variables = {
            **children.inherited(*_NETWORK),
            **_sources(),
            _FILE: os.devnull,
        }

    def run(self, *arguments: str, on_line: Callable[[str], None] = lambda line: None) -> str:
        """The output; `on_line` gets each line of it. Raises UnavailableError with the reason."""
        return _run([*self._command, *arguments], variables=self._variables, on_line=on_line)


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
