"""What is wrong with what a DAG's author wrote: trying again does not mend it."""


class AlchemyError(ValueError):
    """The base of this package's errors; its text is one sentence for the DAG's author."""


class PayloadError(AlchemyError):
    """An argument of an operator cannot become a part of a run."""


class NameNotFoundError(AlchemyError):
    """A name stands for nothing in the workspace, or for several things."""
