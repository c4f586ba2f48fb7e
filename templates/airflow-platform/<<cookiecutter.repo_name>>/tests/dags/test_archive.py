"""What is taken out of an archive, and what is not."""

import io
import shutil
from pathlib import Path

import py7zr
import pytest

from site_archive import pack, pack_site, xml
from stack_exchange import archive as archive_module
from stack_exchange.archive import Extracted, extract
from stack_exchange.errors import ArchiveError, RefusedError

MEMBERS = ["Posts.xml", "Users.xml"]
POSTS, USERS = ("Posts.xml", xml("posts", 3)), ("Users.xml", xml("users", 2))
BZIP2 = [{"id": py7zr.FILTER_BZIP2}]
LZMA = [{"id": py7zr.FILTER_LZMA}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where to: inside another folder, so that something outside it would be seen."""
    folder = tmp_path / "in" / "it"
    folder.mkdir(parents=True)
    return folder


def take(folder: Path, packed: bytes, most_bytes: int = 10**9) -> dict[str, Extracted]:
    file = folder.parents[1] / "site.7z"
    file.write_bytes(packed)
    return extract(file, MEMBERS, folder, most_bytes)


def written(folder: Path) -> set[str]:
    """Return what lies anywhere beside the archive."""
    top = folder.parents[1]
    return {path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()} - {
        "site.7z"
    }


# Stack Exchange's archives are packed with bzip2.
@pytest.mark.parametrize("filters", [None, BZIP2, LZMA], ids=["lzma2", "bzip2", "lzma"])
def test_two_members_are_taken_and_their_rows_counted(folder: Path, filters: object) -> None:
    members = [("Badges.xml", xml("b", 9)), POSTS, ("Tags.xml", xml("t", 1)), USERS]
    assert take(folder, pack(*members, filters=filters)) == {
        "Posts.xml": Extracted(folder / "Posts.xml", 3),
        "Users.xml": Extracted(folder / "Users.xml", 2),
    }
    assert written(folder) == {"in/it/Posts.xml", "in/it/Users.xml"}
    assert (folder / "Posts.xml").read_bytes() == POSTS[1]
    assert (folder / "Users.xml").read_bytes() == USERS[1]


@pytest.mark.parametrize("longest", [1, 2, 3, 7])
def test_rows_are_counted_across_pieces(
    folder: Path, monkeypatch: pytest.MonkeyPatch, longest: int
) -> None:
    monkeypatch.setattr(archive_module, "READ_BYTES", longest)
    copied = [{"id": py7zr.FILTER_COPY}]
    taken = take(folder, pack(POSTS, USERS, filters=copied))
    assert [taken[name].rows for name in MEMBERS] == [3, 2]


def test_the_pieces_are_small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = []
    write = archive_module._CountedFile.write

    def spy(file: object, piece: bytes) -> int:
        pieces.append(len(piece))
        return write(file, piece)

    monkeypatch.setattr(archive_module._CountedFile, "write", spy)
    copied = [{"id": py7zr.FILTER_COPY}]
    take(folder, pack(("Posts.xml", xml("posts", 20_000)), USERS, filters=copied))
    assert len(pieces) > 2
    assert max(pieces) <= archive_module.READ_BYTES


def test_links_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "Users.xml").write_bytes(USERS[1])
    (tmp_path / "Posts.xml").symlink_to("Users.xml")
    packed = io.BytesIO()
    with py7zr.SevenZipFile(packed, "w") as archive:
        for name in MEMBERS:
            archive.write(tmp_path / name, name)
    with pytest.raises(RefusedError, match=r"Posts\.xml is not a file"):
        take(folder, packed.getvalue())
    assert list(folder.iterdir()) == []


def rename(packed_name: str, name: str) -> bytes:
    """Return an archive with a name that py7zr does not write."""
    header = io.BytesIO()
    with py7zr.SevenZipFile(header, "w") as archive:
        for member, text in (POSTS, USERS, (packed_name, b"other")):
            archive.writestr(text, member)
        # Names lie in the header, which is packed when the archive is closed.
        archive.header.files_info.files[-1]["filename"] = name
    return header.getvalue()


@pytest.mark.parametrize(
    "name", ["../out.xml", "a/../../out.xml", "/tmp/out.xml", "..\\out.xml", "C:\\out.xml"]
)
def test_a_name_that_leads_out_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(RefusedError, match="leads out of its folder"):
        take(folder, rename("other.xml", name))
    assert written(folder) == set()


def test_a_member_that_is_there_twice_is_refused(folder: Path) -> None:
    with pytest.raises(RefusedError, match=r"Posts\.xml is there 2 times"):
        take(folder, rename("other.xml", "Posts.xml"))
    assert written(folder) == set()


@pytest.mark.parametrize("missing", [POSTS, USERS], ids=MEMBERS)
def test_a_member_that_is_not_there_is_missed(folder: Path, missing: tuple[str, bytes]) -> None:
    others = [member for member in (POSTS, USERS) if member != missing]
    with pytest.raises(RefusedError, match=f"{missing[0]} is there 0 times"):
        take(folder, pack(*others, ("in/" + missing[0], missing[1])))


def test_a_member_without_rows_is_refused(folder: Path) -> None:
    with pytest.raises(RefusedError, match=r"Users\.xml has no row"):
        take(folder, pack(POSTS, ("Users.xml", xml("users", 0))))


def test_an_archive_that_unpacks_to_far_more_than_its_size_is_refused(folder: Path) -> None:
    bomb = pack(POSTS, USERS, ("Votes.xml", bytes(2_000_000)))
    with pytest.raises(RefusedError, match="more than 200 times"):
        take(folder, bomb)
    assert written(folder) == set()


def test_members_larger_than_allowed_are_refused(folder: Path) -> None:
    with pytest.raises(RefusedError, match="are allowed"):
        take(folder, pack_site(3, 2), most_bytes=len(POSTS[1]) + len(USERS[1]) - 1)
    assert written(folder) == set()
    assert take(folder, pack_site(3, 2), most_bytes=len(POSTS[1]) + len(USERS[1]))


def test_a_disk_that_is_too_small_is_not_filled(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folder)._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ArchiveError, match="larger disk"):
        take(folder, pack_site(3, 2))
    assert written(folder) == set()


def test_a_damaged_archive_is_an_error(folder: Path) -> None:
    packed = bytearray(pack_site(300, 200))
    packed[len(packed) // 2] ^= 0xFF
    with pytest.raises(ArchiveError, match="cannot be unpacked"):
        take(folder, bytes(packed))


def test_what_is_no_archive_is_an_error(folder: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot be unpacked"):
        take(folder, b"<html>Please come back later</html>")
