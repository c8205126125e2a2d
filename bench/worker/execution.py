"""Whether a session trains in the way that its mode says, and without aids for debugging.

A framework can leave a mode without a word: a switch of its own, a variable or a missing compiler
makes it run operators one by one. What it computes is still the task, which the traces prove; only
its speed is that of another mode.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.core.adapter import Adapter, Session
from bench.core.errors import WrongError

# Called with a session that has trained; raises WrongError.
ExecutionCheck = Callable[[Session], None]


def check(session: Session, *, adapter: Adapter, mode: str, compiles: bool) -> None:
    """Raises WrongError if `session`, which has trained, did not train as its mode says.

    That is, if nothing was compiled in a mode that `compiles`, or if aids for debugging are on. A
    framework that cannot tell what it has compiled is not asked.
    """
    if compiles and session.compiled_programs() == 0:
        raise WrongError(f"the mode {mode} ran uncompiled: the framework compiled no step")
    if aids := adapter.debugging_aids():
        raise WrongError(f"aids for debugging slow it down: {', '.join(aids)}")
