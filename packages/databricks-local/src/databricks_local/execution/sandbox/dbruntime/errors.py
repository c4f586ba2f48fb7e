"""What is wrong with a task rather than with its code."""


class TaskError(Exception):
    """A task names something that is not there or cannot be read: a notebook, an entry point, a library.

    Attributes:
        code: The termination code of the run.
    """

    def __init__(self, message: str, code: str = "RUN_EXECUTION_ERROR") -> None:
        super().__init__(message)
        self.code = code
