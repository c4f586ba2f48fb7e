"""Finds the release and the answers that a repository was most likely cut with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mshell_cut import git, globs, rules
from mshell_cut.errors import AnswersRefusedError, MshellCutError, NoLikenessError, TemplateNotFoundError
from mshell_cut.inference import Reader, Reading, is_choice
from mshell_cut.likeness import FolderFiles, likeness
from mshell_cut.questions import Question
from mshell_cut.renders import Renders
from mshell_cut.staging import staging
from mshell_cut.state import FILE, State
from mshell_cut.upstream import Upstream, Version

# Projects that were worked on for a year keep two thirds and more; those of another template of Airflow have
# two fifths, other Python projects a tenth.
FLOOR = 0.45
# How far from the best a release may be to be rendered in full, and how many are.
_NEAR, _MOST = 0.05, 4
# How many other answers are tried where the files say several.
_TRIES = 8
# How many commits are looked at in a repository without releases.
_COMMITS = 20

GIVEN, FOUND, GUESSED, UNASKED = "given", "found", "guessed", "not asked"


@dataclass(frozen=True)
class Match:
    """A release with answers, and how well it fits.

    Attributes:
        version: of the template.
        answers: to all its questions.
        origins: by question: `given`, `found` in the files, `guessed` or `not asked`.
        share: how alike the repository and the render are without samples, from 0 to 1.
        samples: the same of samples.
    """

    version: Version
    answers: Mapping[str, Any]
    origins: Mapping[str, str]
    share: float
    samples: float = 0.0


def versions(upstream: Upstream, wanted: str | None) -> list[Version]:
    """Return the states of a template that a project may have been cut from, those to be preferred first.

    Args:
        upstream: the template's repository.
        wanted: a branch, tag or commit to take; None for the releases, the newest first, and what is not
            released yet. Without releases, the last commits that changed the template.

    Raises:
        TemplateNotFoundError: there is no such version, or no template at any.
    """
    if wanted:
        return [upstream.version(wanted)]
    head = upstream.version("HEAD")
    found = [Version(item.commit, item.tag) for item in reversed(upstream.releases)]
    if not found:
        listed = git.run(
            "log", f"--max-count={_COMMITS * 10}", "--format=%H", "HEAD", cwd=upstream.repository
        )
        found = [Version(commit, commit[:10]) for commit in listed.splitlines()]
    distinct: dict[str, Version] = {}
    for version in [*found, Version(head.commit, upstream.name(head.commit))]:
        try:
            distinct.setdefault(upstream.content(version.commit), version)
        except MshellCutError:
            # The template was not there yet.
            continue
    if not distinct:
        raise TemplateNotFoundError(f"{upstream.address} holds no template in any of its last commits.")
    return list(distinct.values())[: max(_COMMITS, len(upstream.releases) + 1)]


def find(
    folder: Path,
    renders: Renders,
    candidates: Sequence[Version],
    given: Mapping[str, Any],
    working: Callable[[str], AbstractContextManager[None]],
) -> Match:
    """Find the version and the answers that give the most of what lies in a folder.

    Args:
        folder: the repository to adopt.
        renders: of the template.
        candidates: the versions to try, those to be preferred first.
        given: answers that are known.
        working: shows a text while something takes long.

    Raises:
        NoLikenessError: nothing resembles the folder enough.
        AnswersRefusedError: the answers that were found are not complete.
        MshellCutError: the template cannot be rendered at any of the versions.
    """
    files = FolderFiles(folder)
    tried: list[tuple[Version, Reader, Reading]] = []
    choices: Mapping[str, Any] = {}
    failure: MshellCutError | None = None
    for version in candidates:
        with working(f"Comparing with {version.name} …"):
            try:
                reader = _reader(renders, version, files, given)
                if reader is None:
                    continue
                reading = _best_choices(reader, choices)
            except MshellCutError as error:
                failure = error
                continue
            choices = reading.settled
            tried.append((version, reader, reading))
    if not tried:
        raise failure or NoLikenessError("No version of the template has the questions that --set answers.")
    order = sorted(range(len(tried)), key=lambda position: -tried[position][2].share)
    best = tried[order[0]][2].share
    matches = []
    with working("Comparing in full …"):
        for position in order[:_MOST]:
            version, reader, reading = tried[position]
            if reading.share >= best - _NEAR:
                matches.append((_match(renders, version, reader, reading, files), -position, reader, reading))
        match, _, reader, reading = max(matches, key=lambda item: (item[0].share, item[0].samples, item[1]))
        if match.share >= FLOOR:
            match = _refined(renders, match, reader, reading, files)
    if match.share < FLOOR:
        raise NoLikenessError(
            f"{folder} resembles no release of {renders.upstream.address}: {match.version.name} comes "
            f"nearest, with {match.share:.0%} in common of the {FLOOR:.0%} that are needed. "
            "Name another template with --template.",
            match.share,
        )
    sentences = reader.renderer.questionnaire.problems(match.answers)
    if sentences:
        raise AnswersRefusedError(
            [*sentences, "The files do not tell it: answer with --set QUESTION=ANSWER."]
        )
    return match


def state(match: Match, renders: Renders, directory: str | None) -> State:
    """Return what the adopted project is to remember.

    Args:
        match: what was found.
        renders: of the template.
        directory: the template's folder in its repository.
    """
    questionnaire = renders.questionnaire(match.version)
    public = {
        name: value for name, value in match.answers.items() if not questionnaire.questions[name].secret
    }
    version = match.version
    return State(
        renders.upstream.address,
        version.commit,
        version.checkout,
        directory,
        public,
        questionnaire.samples,
    )


def link(folder: Path, remembered: State) -> None:
    """Write `.cruft.json` into a folder, whole or not at all.

    Raises:
        MshellCutError: nothing can be written there.
    """
    with staging(folder) as place:
        remembered.write(place)
        (place / FILE).rename(folder / FILE)


def _reader(
    renders: Renders, version: Version, files: FolderFiles, given: Mapping[str, Any]
) -> Reader | None:
    """Return a reader, None where the version does not ask what was answered."""
    renderer = renders.renderer(version)
    questionnaire = renderer.questionnaire
    if given.keys() - questionnaire.questions.keys():
        return None
    if any(questionnaire.questions[name].choices and questionnaire.problem(name, given) for name in given):
        return None
    return Reader(
        renderer, files, given, renders.upstream.temporary, _no_sample(renderer.questionnaire.samples)
    )


def _no_sample(samples: Sequence[str]) -> Callable[[str], bool]:
    is_sample = globs.matcher([FILE, *samples])
    return lambda path: not is_sample(path)


def _best_choices(reader: Reader, start: Mapping[str, Any]) -> Reading:
    """Find the choices that fit best, one question after the other until none can be bettered."""
    questions = {
        name: question
        for name, question in reader.renderer.questionnaire.questions.items()
        if is_choice(question) and name not in reader.given
    }
    best = reader.read(
        {name: start[name] for name, question in questions.items() if start.get(name) in _options(question)}
    )
    bettered = True
    while bettered:
        bettered = False
        for other in _one_changed(reader, questions, best):
            if other.share > best.share:
                best, bettered = other, True
    return best


def _one_changed(reader: Reader, questions: Mapping[str, Question], reading: Reading) -> Iterator[Reading]:
    """Yield the readings with another answer to one of the questions."""
    for name, question in questions.items():
        for option in _options(question):
            if option != reading.settled[name] and rules.applies(question.rule, reading.settled):
                kept = {other: reading.settled[other] for other in questions}
                yield reader.read({**kept, name: option})


def _options(question: Question) -> Sequence[Any]:
    return question.choices or (True, False)


def _match(renders: Renders, version: Version, reader: Reader, reading: Reading, files: FolderFiles) -> Match:
    answers: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, question in reader.renderer.questionnaire.questions.items():
        if name in reader.given:
            answers[name], origins[name] = reader.given[name], GIVEN
        elif not rules.applies(question.rule, answers):
            answers[name], origins[name] = reader.renderer.default(question.default, answers), UNASKED
        elif is_choice(question):
            answers[name] = reading.settled[name]
            others = [other.share for other in _one_changed(reader, {name: question}, reading)]
            origins[name] = FOUND if all(share < reading.share for share in others) else GUESSED
        elif reading.said.get(name):
            answers[name], origins[name] = reading.said[name].most_common(1)[0][0], FOUND
        else:
            answers[name], origins[name] = _guess(reader, name, question, answers, files.folder), GUESSED
    return _judged(renders, Match(version, answers, origins, reading.share), reader, files)


def _judged(renders: Renders, match: Match, reader: Reader, files: FolderFiles) -> Match:
    """Return a match with its answers rendered in full, where the template accepts them."""
    questionnaire = reader.renderer.questionnaire
    if questionnaire.problems(match.answers):
        return match
    made = FolderFiles(renders.at(match.version, match.answers))
    paths = renders.files(match.version, match.answers)
    counts = _no_sample(questionnaire.samples)
    return Match(
        match.version,
        match.answers,
        match.origins,
        likeness(files, made, paths, wanted=counts),
        likeness(files, made, paths, wanted=lambda path: not counts(path)),
    )


def _refined(renders: Renders, match: Match, reader: Reader, reading: Reading, files: FolderFiles) -> Match:
    """Try the other answers that the files say about as often."""
    others = [
        (count, name, answer)
        for name, counts in reading.said.items()
        if match.origins.get(name) == FOUND
        for answer, count in counts.items()
        if answer != match.answers[name] and 2 * count > counts.most_common(1)[0][1]
    ]
    for _, name, answer in sorted(others, key=lambda other: -other[0])[:_TRIES]:
        other = Match(match.version, {**match.answers, name: answer}, match.origins, 0.0)
        judged = _judged(renders, other, reader, files)
        if (judged.share, judged.samples) > (match.share, match.samples):
            match = judged
    return match


def _guess(reader: Reader, name: str, question: Question, answers: Mapping[str, Any], folder: Path) -> Any:
    if reader.renderer.names_folder(name):
        remote = git.ask("config", "--get", "remote.origin.url", cwd=folder) or ""
        for guess in (Path(remote.rstrip("/")).name.removesuffix(".git"), folder.name):
            if guess and not reader.renderer.questionnaire.problem(name, {**answers, name: guess}):
                return guess
    return reader.renderer.default(question.default, answers)
