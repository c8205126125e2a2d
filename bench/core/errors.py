"""One exception tree.

FramebenchError
├── UsageError          the caller asked for something that does not exist or cannot be; exit code 2
├── DataError           a data set cannot be obtained, or is not what it should be
├── UnavailableError    a framework's environment cannot be built here; status `unavailable`
├── UnsupportedError    this framework cannot do what the cell asks for; status `unsupported`
├── WrongError          the adapter does not train the task it was given; status `wrong`
└── DivergedError       the loss stopped being a finite number; status `diverged`
"""


class FramebenchError(Exception):
    """Base of every error that framebench raises on purpose; its text can be shown to a user."""


class UsageError(FramebenchError):
    """A request that cannot be met. The text names the offending value and says what to do."""


class DataError(FramebenchError):
    """A data set is missing, damaged, or cannot be downloaded."""


class UnavailableError(FramebenchError):
    """A framework's environment cannot be built on this machine."""


class UnsupportedError(FramebenchError):
    """The framework, as installed on this machine, cannot do what the cell asks for."""


class WrongError(FramebenchError):
    """What the adapter trains is not the task."""


class DivergedError(FramebenchError):
    """The training loss became infinite or not a number."""
