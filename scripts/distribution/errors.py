"""What goes wrong, and with which exit code."""


class DistributionError(Exception):
    """A package does not build or does not do what it should."""

    exit_code = 1


class RequestError(DistributionError):
    """The request cannot be met as things are: nothing was built or tried."""

    exit_code = 2
