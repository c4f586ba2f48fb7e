"""Values that can be found again in what a template makes of them, however it escapes them there.

A marker stands for the answer to one question while a template is rendered to be looked at. It is made of
words that occur nowhere else, its anchors, with characters between them that templates escape: what stands
between the anchors in a rendered text tells how the template writes each such character in that place, and so
how to read an answer back from the same place of a project.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mshell_cut import rules
from mshell_cut.questions import Question, Questionnaire

# What some format escapes: TOML, JSON, YAML, Markdown, HTML, shells. No slash: answers may name files.
_SPECIALS = "\"'\\_$*&<>|`[]#~!()+-.:;,=@^ é"
_ANCHOR = re.compile(r"(?i)zq\d\dk\d\dz")
_UNICODE_ESCAPES = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
# A line with fewer letters and digits of its own than this says too little to be known by them.
_TELLING = 3


@dataclass(frozen=True)
class Marker:
    """What stands for an answer.

    Attributes:
        question: its name.
        value: the anchors, joined.
        between: what stands between each two of them.
        pattern: finds the value in a text, with what the text has between each two anchors as groups.
    """

    question: str
    value: str
    between: Sequence[str]
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class Writing:
    """How a template writes an answer in one place.

    Attributes:
        question: its name.
        characters: by what stands there, the character it is written for; None where that may be several.
        exact: whether letters keep their case.
    """

    question: str
    characters: Mapping[str, str | None]
    exact: bool

    def read(self, text: str) -> str | None:
        """Return the answer that is written as a text, None where it cannot be told."""
        read, position = [], 0
        tokens = sorted(self.characters, key=len, reverse=True)
        while position < len(text):
            token = next((token for token in tokens if text.startswith(token, position)), None)
            escapes = _UNICODE_ESCAPES.match(text, position) if "\\u00e9" in self.characters else None
            if escapes:
                read.append(json.loads(f'"{escapes[0]}"'))
                position = escapes.end()
            elif token:
                character = self.characters[token]
                if character is None:
                    return None
                read.append(character)
                position += len(token)
            else:
                read.append(text[position])
                position += 1
        return "".join(read)


@dataclass(frozen=True)
class LinePattern:
    """A rendered line that holds answers.

    Attributes:
        patterns: match the line with any answers, which are their groups: the one makes the first answers as
            short as can be, the other as long. Of `a/b/c` as two answers, either may hold the slash.
        writings: one for each group.
        telling: whether the line's own words are enough to know it by.
    """

    patterns: Sequence[re.Pattern[str]]
    writings: Sequence[Writing]
    telling: bool

    def readings(self, text: str) -> Iterator[list[tuple[Writing, str]]]:
        """Yield the ways to read a text as this line: what is written for each answer."""
        for pattern in self.patterns:
            match = pattern.fullmatch(text)
            if match:
                yield list(zip(self.writings, match.groups(), strict=True))


def marker(questionnaire: Questionnaire, question: Question, number: int, *, bare: bool) -> Marker:
    """Make the marker for a question.

    It has the form of the question's default, so that what the template does with parts of an answer works.

    Args:
        questionnaire: the template's.
        question: one with a free text for an answer.
        number: below 100, another for each question.
        bare: leave out the characters that templates escape.
    """
    default = question.default if isinstance(question.default, str) else ""
    if any(opener in default for opener in questionnaire.openers):
        # Made of other answers: it has no form of its own.
        default = ""
    separators = re.findall(r"[\W_]+", default.strip())
    specials = [] if bare else [character for character in _SPECIALS if _fits(question, default, character)]
    between = [*separators, *specials]
    anchors = [f"Zq{number:02d}K{position:02d}z" for position in range(len(between) + 1)]
    value = anchors[0] + "".join(map(str.__add__, between, anchors[1:]))
    pattern = re.compile("(.{0,12}?)".join(anchors), re.IGNORECASE)
    return Marker(question.name, value, between, pattern)


def holds_marker(text: str) -> bool:
    """Tell whether a rendered text holds a marker or a part of one."""
    return _ANCHOR.search(text) is not None


def line_pattern(line: str, markers: Mapping[str, Marker]) -> LinePattern:
    """Read how a rendered line was made.

    Args:
        line: holds markers.
        markers: by question.
    """
    pieces: list[str] = []
    writings: list[Writing] = []
    own, position = [], 0
    for start, end, writing in _occurrences(line, markers):
        literal = line[position:start]
        own.append(literal)
        pieces.append(_literal(literal))
        earlier = next((index for index, other in enumerate(writings) if other == writing), None)
        if earlier is None:
            writings.append(writing)
            pieces.append("(.+?)")
        else:
            pieces.append(f"\\{earlier + 1}")
        position = end
    own.append(line[position:])
    pieces.append(_literal(line[position:]))
    words = re.sub(r"[\W_]", "", _ANCHOR.sub("", "".join(own)))
    longest = ["(.+)" if piece == "(.+?)" else piece for piece in pieces]
    patterns = [re.compile("".join(pieces)) for pieces in (pieces, longest)]
    return LinePattern(patterns[: len(writings)], writings, len(words) >= _TELLING)


def _occurrences(line: str, markers: Mapping[str, Marker]) -> Iterator[tuple[int, int, Writing]]:
    found = (
        (match.start(), match.end(), _writing(item, match))
        for item in markers.values()
        for match in item.pattern.finditer(line)
    )
    return iter(sorted(found, key=lambda occurrence: occurrence[0]))


def _writing(item: Marker, match: re.Match[str]) -> Writing:
    characters: dict[str, str | None] = {}
    for character, written in zip(item.between, match.groups(), strict=True):
        if len(character) == 1 and written:
            meant = characters.get(written, character)
            characters[written] = character if meant == character else None
    exact = all(word[0][0] == "Z" and word[0][4] == "K" for word in _ANCHOR.finditer(match[0]))
    return Writing(item.question, characters, exact)


def _literal(text: str) -> str:
    """Return a pattern for the text between answers, in which parts of an answer may be any text."""
    return ".+?".join(map(re.escape, _ANCHOR.split(text)))


def _fits(question: Question, default: str, character: str) -> bool:
    """Tell whether an answer may hold a character: whether the default may, in some place."""
    rule = {key: value for key, value in question.rule.items() if key not in ("when", "differs_from")}
    if not {"pattern", "format"} & rule.keys():
        return character not in rule.get("forbid", "")
    return any(
        rules.problem("it", rule, {"it": default[:position] + character + default[position:]}, ()) is None
        for position in range(len(default) + 1)
    )
