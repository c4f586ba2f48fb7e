"""What can go wrong, as types: each holds its own sentence and exit code.

Exit codes: 0 done, 1 it could not be done, 2 the request itself is wrong, 130 interrupted.
"""

from collections.abc import Iterable, Sequence

from mshell_cut.credentials import without_credentials


class MshellCutError(Exception):
    """Something the user can act on. Printed once, without a traceback."""

    exit_code = 1

    def __str__(self) -> str:
        """Return the sentence; errors are written to the logs of CI, and addresses may hold passwords."""
        return without_credentials(super().__str__())


class RequestError(MshellCutError):
    """The request cannot be carried out as it stands."""

    exit_code = 2


class InterruptedCutError(MshellCutError):
    """The user stopped it."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("Stopped: nothing was written.")


class AnswersRefusedError(RequestError):
    """One or more answers break the template's rules, are missing, or answer no question."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = list(sentences)
        super().__init__("\n".join(self.sentences))


class FileUnreadableError(RequestError):
    """A file that the user names cannot be read, or does not hold what it should."""

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"{path}: {reason}.")


class TemplateNotFoundError(RequestError):
    """There is no template of that name, or nothing that could be one at that address."""


class TemplateBrokenError(MshellCutError):
    """The template cannot be read or rendered: its author has to mend it."""


class HookFailedError(MshellCutError):
    """A hook of the template ended with an error, after printing why."""

    def __init__(self, hook: str) -> None:
        super().__init__(f"The template's {hook} hook refused to go on: nothing was written.")


class TargetExistsError(RequestError):
    """There is something where the project would go."""

    def __init__(self, target: object) -> None:
        super().__init__(
            f"{target} exists already and stays as it is: choose another name or --output-dir, or move it."
        )


class CatalogueError(RequestError):
    """The catalogue cannot be changed as asked."""


class GitFailedError(MshellCutError):
    """A git command failed."""

    def __init__(self, arguments: Sequence[str], output: str) -> None:
        said = output.strip().splitlines() or ["it said nothing"]
        command = list(arguments)
        while command[0].startswith("-"):
            # Options before the command, of which -c takes a word.
            del command[: 2 if command[0] == "-c" else 1]
        last = said[-1].encode("utf-8", "replace").decode()
        super().__init__(f"git {command[0]} failed: {last}")


class NotAProjectError(RequestError):
    """There is no project where one is needed."""

    def __init__(self, folder: object) -> None:
        super().__init__(
            f"{folder} lies in no project: no folder from there upward holds a .cruft.json. "
            "Go into one, or link this one to its template with 'mshell-cut adopt'."
        )


class ProjectUncleanError(MshellCutError):
    """The project holds something that is not committed, so that an update could not be undone."""


class AlreadyLinkedError(RequestError):
    """There is a project where one is to be made of a repository."""

    def __init__(self, path: object) -> None:
        super().__init__(
            f"{path} is there already: the project is linked to a template. 'mshell-cut doctor' tells "
            "whether the file is right; to link the project anew, move it away first."
        )


class NoLikenessError(MshellCutError):
    """A repository resembles no release of a template closely enough to be one of its projects."""

    def __init__(self, sentence: str, share: float = 0.0) -> None:
        # How alike they are, from 0 to 1.
        self.share = share
        super().__init__(sentence)


class UpdateImpossibleError(MshellCutError):
    """The project cannot be brought to another state of its template."""


class UpdateRefusedError(MshellCutError):
    """An update cannot be written, continued or undone as things are; nothing was changed."""
