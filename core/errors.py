"""One exception class per thing that a user can act on.

``str(error)`` is one sentence that says what happened and what to do; pages and the command line show it as it
is. Whatever is not a :class:`SeedbedError` is a bug and should look like one.
"""


class SeedbedError(Exception):
    """Base class: the message is one sentence for the person in front of the screen."""


class UnknownNameError(SeedbedError):
    """A name that is not registered; the message lists the known ones."""


class HomeInUseError(SeedbedError):
    """Another process owns this home; the message names its pid."""


class DataFormatError(SeedbedError):
    """A file that cannot be read as a seed set; the message names the file and, where known, the line."""


class ModelLoadError(SeedbedError):
    """A student, reward model or embedder that cannot be loaded."""


class TeacherError(SeedbedError):
    """A teacher that cannot be asked or does not answer."""


class AskingStopped(TeacherError):
    """Nothing more may be sent: the budget is used up, too many requests failed, or the server denies every one."""


class PriceError(SeedbedError):
    """A price that cannot be right, or a table of prices that cannot be read."""


class PromptError(SeedbedError):
    """A prompt text that cannot be filled: a placeholder is missing, or unknown."""


class SignalError(SeedbedError):
    """A signal that cannot be read from this student or with what is at hand (no weights, no reward model)."""


class SelectionError(SeedbedError):
    """A selection that cannot be made from this pool (too few problems, a missing signal)."""


class TrainingError(SeedbedError):
    """A finetune that cannot start or cannot go on."""


class RunError(SeedbedError):
    """A run that cannot be started, cancelled, resumed or read."""


class RunBusy(RunError):
    """A run that another process works on at this moment."""


class RunCancelled(SeedbedError):
    """Raised inside a run when it was told to stop."""
