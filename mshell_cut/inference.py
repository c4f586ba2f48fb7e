"""Reads the answers that a project was cut with back from its files."""

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from mshell_cut import rules
from mshell_cut.errors import MshellCutError
from mshell_cut.likeness import FolderFiles, Likeness
from mshell_cut.markers import LinePattern, Marker, holds_marker, line_pattern, marker
from mshell_cut.questions import Question, Questionnaire
from mshell_cut.render import Renderer

# How much a place says of an answer: one that has it in lower case, or in another form, says less.
_WORD, _HINT = 4, 1
# https://www.quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html
_QUARTZ = re.compile(r"""["' ]0 ([^\s"']+) ([^\s"']+) ([^\s"']+) ([^\s"']+) ([^\s"']+)(?: \*)?["'\s]*$""")


@dataclass(frozen=True)
class Reading:
    """What a project's files say of the answers, if some choices were made.

    Attributes:
        settled: the answers that were taken for given: the choices, and those that are not asked.
        share: how alike the project and the render are, whatever the free answers, from 0 to 1.
        said: by question, how often the files say each answer.
    """

    settled: Mapping[str, Any]
    share: float
    said: Mapping[str, Counter[str]] = field(default_factory=dict)


def is_choice(question: Question) -> bool:
    """Tell whether a question has only a few answers, which can all be tried."""
    return bool(question.choices) or isinstance(question.default, bool)


class Reader:
    """Reads one project by one state of a template.

    Args:
        renderer: of the template.
        files: of the project.
        given: answers that are known.
        temporary: a folder for renders.
        counts: tells whether a path is the template's, and no sample.
    """

    def __init__(
        self,
        renderer: Renderer,
        files: FolderFiles,
        given: Mapping[str, Any],
        temporary: Path,
        counts: Callable[[str], bool],
    ) -> None:
        self.renderer = renderer
        self.files = files
        self.given = given
        self._temporary = temporary
        self._counts = counts
        self._markers = self._all_markers()
        self._readings: dict[str, Reading] = {}

    def read(self, choices: Mapping[str, Any]) -> Reading:
        """Read the project as if some choices had been made.

        Args:
            choices: answers to questions for which `is_choice` holds; the others take their defaults.

        Raises:
            MshellCutError: the template cannot be rendered so.
        """
        settled = self._settled(choices)
        key = repr(sorted(settled.items()))
        if key not in self._readings:
            self._readings[key] = self._read(settled)
        return self._readings[key]

    def _settled(self, choices: Mapping[str, Any]) -> dict[str, Any]:
        questionnaire = self.renderer.questionnaire
        answers: dict[str, Any] = {}
        # A default may be made of other answers, of which some are not known yet.
        defaults: dict[str, Any] = {}
        for name, question in questionnaire.questions.items():
            defaults[name] = self.renderer.default(question.default, {**defaults, **answers})
            if name in self.given:
                answers[name] = self.given[name]
            elif rules.applies(question.rule, answers) and name in choices:
                answers[name] = choices[name]
            elif not rules.applies(question.rule, answers) or name not in self._markers:
                answers[name] = defaults[name]
        return answers

    def _read(self, settled: Mapping[str, Any]) -> Reading:
        questions = self.renderer.questionnaire.questions
        markers = {name: item for name, item in self._markers.items() if name not in settled}
        answers = {name: settled[name] if name in settled else markers[name].value for name in questions}
        folder = self.renderer.sketch(answers, Path(tempfile.mkdtemp(prefix="sketch-", dir=self._temporary)))
        said: dict[str, Counter[str]] = {name: Counter() for name in markers}

        def hear(pattern: LinePattern, text: str) -> bool:
            for reading in pattern.readings(text):
                answers = [(writing, writing.read(written)) for writing, written in reading]
                known = [(writing, answer) for writing, answer in answers if answer is not None]
                if all(self._is_good(writing.question, answer, settled) for writing, answer in known):
                    for writing, answer in known:
                        said[writing.question][answer] += _WORD if writing.exact else _HINT
                    return True
            return False

        share = Likeness()
        sketch = FolderFiles(folder)
        paths = [
            place.relative_to(folder).as_posix()
            for place in sorted(folder.rglob("*"))
            if not place.is_dir() or place.is_symlink()
        ]
        for path in paths:
            for mine in self._places(path, markers, hear):
                common = self._compare(mine, sketch, path, markers, hear)
                if self._counts(path):
                    share.add(*common)
        for path in _ruled_out(self.renderer.questionnaire, settled):
            if (self.files.folder / path).exists():
                share.add(0, 1, 0)
        self._hear_schedules(paths, said, settled)
        return Reading(settled, share.share, said)

    def _places(
        self,
        path: str,
        markers: Mapping[str, Marker],
        hear: Callable[[LinePattern, str], bool],
    ) -> Iterator[str]:
        """Yield where the project has a rendered file, or would have it."""
        if not holds_marker(path):
            yield path
            return
        pattern = line_pattern(path, markers)
        found = [mine for mine in self.files.paths if hear(pattern, mine)]
        yield from found or [path]

    def _compare(
        self,
        mine: str,
        sketch: FolderFiles,
        path: str,
        markers: Mapping[str, Marker],
        hear: Callable[[LinePattern, str], bool],
    ) -> tuple[int, int, int]:
        """Compare a file of the project with a rendered one: lines in common, of the one, of the other."""
        theirs = sketch.lines(path)
        if theirs is None:
            there = self.files.has(mine) and (self.files.folder / mine).read_bytes()
            return int(there == (sketch.folder / path).read_bytes()), int(there is not False), 1
        if not self.files.has(mine):
            return 0, 0, max(1, len(sketch.counts(path)))
        ours = self.files.lines(mine) or []
        patterns = {
            number: line_pattern(line, markers) for number, line in enumerate(theirs) if holds_marker(line)
        }
        literal = Counter(line for number, line in enumerate(theirs) if line and number not in patterns)
        common = (literal & self.files.counts(mine)).total()
        beside = _beside(theirs, ours) if any(not item.telling for item in patterns.values()) else {}
        for number, pattern in patterns.items():
            lines = ours if pattern.telling else beside.get(number, [])
            common += min(1, sum(hear(pattern, line) for line in lines))
        whole, own = literal.total() + len(patterns), self.files.counts(mine).total()
        return (common, own, whole) if own or whole else (1, 1, 1)

    def _is_good(self, name: str, answer: str, settled: Mapping[str, Any]) -> bool:
        answers = {**settled, name: answer}
        return self.renderer.questionnaire.problem(name, answers) is None

    def _hear_schedules(
        self, paths: Iterable[str], said: Mapping[str, Counter[str]], settled: Mapping[str, Any]
    ) -> None:
        """Read schedules where they stand as Quartz expressions: a form of their own that no marker shows."""
        wanted = [name for name in said if self._rule(name).get("format") == "cron"]
        if len(wanted) != 1:
            return
        (name,) = wanted
        for path in paths:
            for line in self.files.lines(path) or []:
                match = _QUARTZ.search(line)
                if match:
                    answer = " ".join("*" if part == "?" else part for part in match.groups())
                    if self._is_good(name, answer, settled):
                        said[name][answer] += _HINT

    def _rule(self, name: str) -> Mapping[str, Any]:
        return self.renderer.questionnaire.rules.get(name, {})

    def _all_markers(self) -> dict[str, Marker]:
        """Make the markers, each as telling as the template can be rendered with."""
        questionnaire = self.renderer.questionnaire
        names = "\n".join(path.as_posix() for path in self.renderer.source.path.rglob("*cookiecutter*/**/*"))
        free = [
            question
            for question in questionnaire.questions.values()
            if isinstance(question.default, str) and not is_choice(question) and not question.secret
        ]
        free = [question for question in free if question.name not in self.given][:100]

        def make(wanted: Iterable[Question], *, bare: bool) -> dict[str, Marker]:
            return {
                question.name: marker(
                    questionnaire,
                    question,
                    number,
                    # A file's name has not room for all.
                    bare=bare
                    or f"cookiecutter.{question.name}" in names
                    or self.renderer.names_folder(question.name),
                )
                for number, question in enumerate(free)
                if question in wanted
            }

        for bare in (False, True):
            markers = make(free, bare=bare)
            if self._renders(markers):
                return markers
        kept: dict[str, Marker] = {}
        for question in free:
            more = {**kept, **make([question], bare=True)}
            if self._renders(more):
                kept = more
        return kept

    def _renders(self, markers: Mapping[str, Marker]) -> bool:
        """Tell whether the template can be rendered with these markers, whatever the choices."""
        questions = self.renderer.questionnaire.questions
        most = max((len(question.choices) for question in questions.values()), default=0)
        for turn in range(max(1, most)):
            answers: dict[str, Any] = {}
            for name, question in questions.items():
                if name in markers:
                    answers[name] = markers[name].value
                elif name in self.given:
                    answers[name] = self.given[name]
                elif question.choices:
                    answers[name] = question.choices[min(turn, len(question.choices) - 1)]
                else:
                    answers[name] = self.renderer.default(question.default, answers)
            with tempfile.TemporaryDirectory(dir=self._temporary) as folder:
                try:
                    self.renderer.sketch(answers, Path(folder))
                except MshellCutError:
                    return False
        return True


def _ruled_out(questionnaire: Questionnaire, answers: Mapping[str, Any]) -> set[str]:
    return {
        path
        for question, by_value in questionnaire.prune.items()
        for path in by_value.get(str(answers.get(question)), [])
    }


def _beside(theirs: list[str], ours: list[str]) -> dict[int, list[str]]:
    """Return which lines of ours stand where lines of theirs that are not in ours would stand."""
    found: dict[int, list[str]] = {}
    for kind, first, last, start, end in SequenceMatcher(None, theirs, ours, autojunk=False).get_opcodes():
        if kind == "replace":
            for number in range(first, last):
                places = {start + number - first, end - (last - number)}
                found[number] = [ours[place] for place in sorted(places) if start <= place < end]
    return found
