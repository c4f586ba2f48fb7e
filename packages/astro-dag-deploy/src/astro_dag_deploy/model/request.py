"""What a request asks for: the DAGs of one repository, and the files that they are made of."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails

from astro_dag_deploy.model.file_path import MAX_BYTES, clashes, problems_of_path
from astro_dag_deploy.model.problems import Location, shown, where
from astro_dag_deploy.model.source import parse_source
from astro_dag_deploy.model.target import Target

MAX_FILES = 5000


def _text(pattern: str, rule: str) -> AfterValidator:
    """Return a check by a regular expression, with the rule that it stands for."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"{shown(value)} is not {rule}.")
        return value

    return AfterValidator(check)


def _one_line(value: str) -> str:
    if not value.isprintable() or len(value) > 1000:
        raise ValueError(f"{shown(value)} is not one line of at most 1,000 characters.")
    return value


def _source(value: str) -> str:
    try:
        parse_source(value)
    except ValueError as error:
        raise ValueError(f"{shown(value)} {error}.") from None
    return value


_Identifier = Annotated[
    str,
    _text(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", "1 to 64 letters, digits, - and _, first a letter or digit"),
]
_Repository = Annotated[
    str,
    _text(
        r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,99}",
        "1 to 100 letters, digits, -, _ and single dots, first a letter or digit",
    ),
]
# As Airflow checks it: airflow.sdk.definitions._internal.node.validate_key.
_DagId = Annotated[str, _text(r"[\w.-]{1,250}", "1 to 250 letters, digits, -, _ and dots")]
_RequestId = Annotated[
    str,
    _text(
        r"[!-~]([ -~]{0,198}[!-~])?",
        "1 to 200 printable ASCII characters without a blank at an end (as Idempotency-Key, too)",
    ),
]
_Email = Annotated[
    str, _text(r"(?=.{3,254}\Z)[A-Za-z0-9_.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9.-]+", "one address of email")
]
_Line = Annotated[str, AfterValidator(_one_line)]


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        # An address may be presigned, and a message of pydantic ends up in a log.
        hide_input_in_errors=True,
    )


class Resource(_Strict):
    """A file: where it lies in `dags/`, and where it comes from or what is in it.

    Text stands for its source. Without a path it lies at the top, under the last part of its source.

    Attributes:
        path: below `dags/`, with / between its parts, in NFC.
        source: `s3://bucket/key` or `https://host/path?query`.
        text: what is in it; given in place of a source.
    """

    ending: ClassVar[str] = ""

    path: str
    source: Annotated[str, AfterValidator(_source)] | None = Field(default=None, repr=False)
    text: str | None = Field(default=None, repr=False, validate_default=True)

    @property
    def origin(self) -> str:
        """Where it comes from, for a log: without the query of an address, which may be a secret."""
        return str(parse_source(self.source)) if self.source is not None else "the text in the request"

    @model_validator(mode="before")
    @classmethod
    def _read_short_forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"source": value, "path": parse_source(_source(value)).file_name}
        if isinstance(value, dict) and "path" not in value and isinstance(value.get("source"), str):
            try:
                return {**value, "path": parse_source(value["source"]).file_name}
            except ValueError:
                return value
        return value

    @field_validator("path")
    @classmethod
    def _check_path(cls, value: str) -> str:
        # To normalise a text can take the square of its length, and what is much too long is refused anyway.
        path = unicodedata.normalize("NFC", value) if len(value) <= 4 * MAX_BYTES else value
        problems = problems_of_path(path)
        if not path.endswith(cls.ending):
            problems.append(f"does not end in {cls.ending}")
        if problems:
            raise ValueError(f"{shown(path)} {' and '.join(problems)}.")
        return path

    @field_validator("text")
    @classmethod
    def _check_one_origin(cls, value: str | None, info: ValidationInfo) -> str | None:
        # A source that was refused is not among the data, yet it was given.
        has_source = info.data.get("source", "refused") is not None
        if value is None and not has_source:
            raise ValueError("is missing, and so is source: give one of the two.")
        if value is not None and has_source:
            raise ValueError("is given beside source: leave one of the two out.")
        try:
            (value or "").encode()
        except UnicodeEncodeError:
            # JSON can say `\ud800`, which has no bytes in UTF-8.
            raise ValueError("has half of a surrogate pair.") from None
        return value


class DagFile(Resource):
    """A file that defines DAGs."""

    ending: ClassVar[str] = ".py"


class Dag(_Strict):
    """A DAG of the repository.

    Attributes:
        dag_id: its id in Airflow.
        dag_file: the file that defines it; several DAGs may have the same.
        dependencies: the files that it needs; several DAGs may have the same.
        contact_email: whom to ask about it.
        squad_name: whose it is.
        alert_slack_channel: where its failures are told.
        description: what it does.
    """

    dag_id: _DagId
    dag_file: DagFile
    dependencies: tuple[Resource, ...] = ()
    contact_email: _Email | None = None
    squad_name: _Line | None = None
    alert_slack_channel: _Line | None = None
    description: _Line | None = None


class DeployRequest(_Strict):
    """All DAGs of one repository for one deployment.

    Attributes:
        workspace: the Astro workspace, by its id or as the function calls it.
        deployment: the Astro deployment, by its id or as the function calls it.
        repo: the name of the repository.
        dags: its DAGs; what is not among them is removed.
        remove_all: `remove every DAG of <repo>`, the only way to give no DAGs.
        request_id: the same for the same request, when it is sent again.
    """

    workspace: _Identifier = Field(alias="astroWorkspace")
    deployment: _Identifier = Field(alias="astroDeployment")
    repo: _Repository
    dags: tuple[Dag, ...]
    remove_all: str | None = None
    request_id: _RequestId = Field(alias="requestId")

    @property
    def target(self) -> Target:
        """The deployment that it is for."""
        return Target(self.workspace, self.deployment)

    @property
    def whose(self) -> Mapping[str, str]:
        """The deployment and the repository, as logs, metrics, mails and answers name them."""
        return {"workspace": self.workspace, "deployment": self.deployment, "repo": self.repo}

    @property
    def files(self) -> Mapping[str, Resource]:
        """The files by their paths, in the order of these."""
        files = {file.path: file for dag in self.dags for file in (dag.dag_file, *dag.dependencies)}
        return dict(sorted(files.items()))

    @model_validator(mode="wrap")
    @classmethod
    def _check_whole(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Add what is wrong between parts to what is wrong in them: a caller mends all of it at once."""
        request = None
        lines: list[InitErrorDetails] = []
        try:
            request = handler(value)
        except ValidationError as error:
            for item in error.errors(include_url=False):
                context = item.get("ctx", {})
                lines.append(
                    InitErrorDetails(type=item["type"], loc=item["loc"], input=item["input"], ctx=context)
                )
        fields = dict(request) if request else value if isinstance(value, dict) else {}
        for location, words in _problems_between(fields):
            context = {"error": ValueError(words)}
            lines.append(InitErrorDetails(type="value_error", loc=location, input=None, ctx=context))
        if request is None or lines:
            raise ValidationError.from_exception_data(cls.__name__, lines, hide_input=True)
        return request


def _problems_between(fields: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    """Find what is wrong between the parts of a request, some of which may be wrong themselves."""
    dags = fields.get("dags")
    if not isinstance(dags, list | tuple):
        return
    yield from _problems_of_removal(fields.get("repo"), dags, fields.get("remove_all"))
    parts = [dict(dag) if isinstance(dag, dict | Dag) else {} for dag in dags]
    yield from _problems_between_ids(parts)
    yield from _problems_between_files(parts)


def _problems_of_removal(repo: Any, dags: Sequence[Any], words: Any) -> Iterator[tuple[Location, str]]:
    wanted = f"remove every DAG of {repo if isinstance(repo, str) else '<repo>'}"
    if words is None and not dags:
        yield ("dags",), f"is empty; if no DAG is to be left, say remove_all: {shown(wanted)}."
    elif isinstance(words, str) and dags:
        yield ("remove_all",), "is given beside dags: leave one of the two out."
    elif isinstance(words, str) and words != wanted:
        yield ("remove_all",), f"must be {shown(wanted)}, in these words."


def _problems_between_ids(dags: list[dict[str, Any]]) -> Iterator[tuple[Location, str]]:
    places: dict[str, Location] = {}
    for index, dag in enumerate(dags):
        dag_id = dag.get("dag_id")
        if not isinstance(dag_id, str):
            continue
        place = ("dags", index, "dag_id")
        first = places.setdefault(dag_id, place)
        if first != place:
            yield place, f"{shown(dag_id)} is {where(first)} already, and Airflow shows one DAG of an id."


def _problems_between_files(dags: list[dict[str, Any]]) -> Iterator[tuple[Location, str]]:
    files: dict[str, tuple[Location, Resource]] = {}
    for place, file in _readable_files(dags):
        first, same = files.setdefault(file.path, (place, file))
        if (same.source, same.text) != (file.source, file.text):
            yield (
                (*place, "path"),
                f"{shown(file.path)} has another source in {where(first)}: give one of the two another path.",
            )
    if len(files) > MAX_FILES:
        yield ("dags",), f"has {len(files):,} files, and {MAX_FILES:,} are allowed."
    for path, other, words in clashes(files):
        yield (*files[path][0], "path"), f"{shown(path)} {words} the file of {where(files[other][0])}."


def _readable_files(dags: list[dict[str, Any]]) -> Iterator[tuple[Location, Resource]]:
    for index, dag in enumerate(dags):
        dependencies = dag.get("dependencies")
        places: list[tuple[Location, Any]] = [(("dags", index, "dag_file"), dag.get("dag_file"))]
        if isinstance(dependencies, list | tuple):
            places += [
                (("dags", index, "dependencies", number), file) for number, file in enumerate(dependencies)
            ]
        for place, file in places:
            try:
                yield place, Resource.model_validate(file)
            except ValidationError:
                continue
