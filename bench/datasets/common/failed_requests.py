"""Why a request over the network failed, in words, and what to do about it.

What a library says of it is a paragraph of nested objects, of which the innermost is the cause.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from requests import exceptions

from bench.system.plain_text import one_line


def _causes(error: object, seen: set[int] | None = None) -> Iterator[BaseException]:
    """The error and all that it was made of, the innermost last."""
    seen = set() if seen is None else seen
    if not isinstance(error, BaseException) or id(error) in seen:
        return
    seen.add(id(error))
    yield error
    inner = (*error.args, getattr(error, "reason", None), error.__cause__, error.__context__)
    for part in inner:
        yield from _causes(part, seen)


def _is_refused(error: BaseException) -> bool:
    """Whether a certificate was refused."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))


def reason(error: exceptions.RequestException) -> str:
    """What is wrong with a mirror, to follow its name."""
    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return f"answers HTTP {error.response.status_code}"
    cause = _inner_reason(error)
    if isinstance(error, exceptions.ProxyError):
        return f"cannot be reached through the proxy, which {cause}"
    return cause


def _inner_reason(error: exceptions.RequestException) -> str:
    if told := next(filter(None, map(_told, _causes(error))), ""):
        return told
    if isinstance(error, exceptions.Timeout):
        return "does not answer in time"
    if not isinstance(error, (exceptions.ConnectionError, exceptions.ChunkedEncodingError)):
        return one_line(str(error) or type(error).__name__)
    texts = [str(cause.strerror) for cause in _causes(error) if _has_text(cause)]
    return f"cannot be reached: {one_line(texts[-1])}" if texts else "ends the connection early"


def _told(cause: BaseException) -> str:
    """What an error of the operating system or of TLS means; "" for any other."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"shows a TLS certificate that is refused: {one_line(cause.verify_message)}"
    if isinstance(cause, ssl.SSLError):
        return f"cannot be spoken to by TLS: {one_line(cause.reason or str(cause))}"
    if isinstance(cause, socket.gaierror):
        return f"is not found by its name (DNS: {one_line(cause.strerror or str(cause))})"
    return "refuses the connection" if isinstance(cause, ConnectionRefusedError) else ""


def _has_text(cause: BaseException) -> TypeGuard[OSError]:
    return isinstance(cause, OSError) and isinstance(cause.strerror, str)


def advice(errors: Sequence[exceptions.RequestException]) -> str:
    """What to do, in a clause, after requests that failed so; there may be none."""
    if any(map(_is_refused, errors)):
        return (
            "a proxy or a virus scanner may open TLS connections: set SSL_CERT_FILE or "
            "REQUESTS_CA_BUNDLE to the file with its authority's certificate"
        )
    if any(isinstance(error, exceptions.ProxyError) for error in errors):
        return "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
    if errors and not any(isinstance(error, exceptions.HTTPError) for error in errors):
        return "connect to the internet"
    return "try again later"
