"""What can go wrong on the way; the text of each is one sentence for the task's log."""


class ArchiveError(Exception):
    """The archive could not be brought this time: a later try may succeed."""


class RefusedError(ArchiveError):
    """The archive is not there, or not one to be taken: another try would end the same."""
