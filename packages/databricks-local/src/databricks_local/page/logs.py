"""What a task printed, in pieces that a browser and the server's memory can hold."""

import codecs
import os
from dataclasses import dataclass
from pathlib import Path

STREAMS = ("stdout", "stderr")
PIECE = 64 * 1024


@dataclass(frozen=True)
class Piece:
    """A part of a log.

    Attributes:
        text: What it says.
        start: The byte at which it begins.
        end: The byte behind it, where the next piece begins.
        size: The bytes of the whole log when it was read.
    """

    text: str
    start: int
    end: int
    size: int


def read_piece(file: Path, start: int | None) -> Piece:
    """Return at most 64 KiB of a log.

    Args:
        file: The log; one that is not there yet is empty.
        start: The byte to begin at; ``None``: the log's end, from the beginning of a line.
    """
    try:
        stream = file.open("rb")
    except FileNotFoundError:
        return Piece("", 0, 0, 0)
    with stream:
        size = os.fstat(stream.fileno()).st_size
        begin = max(0, size - PIECE) if start is None else min(start, size)
        stream.seek(begin)
        data = stream.read(PIECE)
    if start is None and begin:
        cut = data.find(b"\n") + 1
        begin, data = begin + cut, data[cut:]
    # A character of which only some bytes are there is left for the next piece.
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data)
    pending = len(decoder.getstate()[0])
    return Piece(text, begin, begin + len(data) - pending, size)
