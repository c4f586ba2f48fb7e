"""A made Stack Exchange site: users, posts, the archive of them, and what the gold tables have to hold."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from template.projects import run

Json = dict[str, Any]


@dataclass(frozen=True)
class User:
    """A user as the site has it."""

    id: int
    name: str
    reputation: int


@dataclass(frozen=True)
class Post:
    """A question, or an answer, as the site has it; an answer has no title, tags or views."""

    id: int
    created: datetime
    owner: int
    score: int
    title: str | None = None
    tags: tuple[str, ...] = ()
    views: int = 0


FEBRUARY = datetime(2026, 2, 1)
USERS = [User(10, "Ada", 1500), User(11, "José", 90), User(12, "O'Neil & Söhne <x>", 1)]
POSTS = [
    Post(1, datetime(2026, 1, 1, 9), 10, 5, "How do I read <xml>?", ("python", "xml"), 100),
    Post(2, datetime(2026, 1, 1, 9, 30), 11, 3),
    Post(3, datetime(2026, 1, 1, 23, 59, 59), 10, 8, 'What is a "Delta" table?', ("delta", "python"), 250),
    Post(4, datetime(2026, 1, 2), 12, 0, "Café & more", ("xml",), 7),
    # Its author has left the site.
    Post(5, datetime(2026, 1, 2, 12), 99, -2, "Who deleted my account?", ("python",)),
    *(
        Post(
            100 + n,
            datetime(2026, 2, 1) + timedelta(hours=n),
            10 + n % 3,
            n,
            f"Question {n}",
            ("c", f"t{n:02}"),
            n,
        )
        for n in range(20)
    ),
]


def posts_xml(posts: list[Post]) -> str:
    def row(post: Post) -> str:
        question = post.title is not None
        shown: dict[str, object] = {
            "Id": post.id,
            "PostTypeId": 1 if question else 2,
            "CreationDate": post.created.isoformat(timespec="milliseconds"),
            "LastActivityDate": post.created.isoformat(timespec="milliseconds"),
            "Score": post.score,
            "OwnerUserId": post.owner,
        }
        if question:
            shown |= {
                "Title": post.title,
                "Tags": "".join(f"<{tag}>" for tag in post.tags),
                "ViewCount": post.views,
            }
        return f"  <row {' '.join(f'{name}={quoteattr(str(value))}' for name, value in shown.items())} />\n"

    # One that is neither question nor answer, which no table but the first has.
    other = '  <row Id="999" PostTypeId="5" CreationDate="2026-01-02T13:00:00.000" Score="0" />\n'
    return f'<?xml version="1.0" encoding="utf-8"?>\n<posts>\n{"".join(map(row, posts))}{other}</posts>\n'


def users_xml(users: list[User]) -> str:
    rows = (
        f"  <row Id={quoteattr(str(user.id))} Reputation={quoteattr(str(user.reputation))}"
        f' CreationDate="2020-01-01T00:00:00.000" DisplayName={quoteattr(user.name)} />\n'
        for user in users
    )
    return f'<?xml version="1.0" encoding="utf-8"?>\n<users>\n{"".join(rows)}</users>\n'


def popular_tags(posts: list[Post]) -> list[Json]:
    """Count by hand: the ten tags with the most questions, of equals the first by name."""
    questions: Counter[str] = Counter()
    views: Counter[str] = Counter()
    for post in posts:
        for tag in post.tags:
            questions[tag] += 1
            views[tag] += post.views
    best = sorted(questions, key=lambda tag: (-questions[tag], tag))[:10]
    return [{"tag": tag, "questions": questions[tag], "views": views[tag]} for tag in best]


def posts_with_users(posts: list[Post], users: list[User]) -> list[Json]:
    """Join by hand."""
    known = {user.id: user for user in users}
    return [
        {
            "post_id": post.id,
            "post_type": "answer" if post.title is None else "question",
            "created_at": post.created,
            "title": post.title,
            "score": post.score,
            "user_id": user.id if user else None,
            "display_name": user.name if user else None,
            "reputation": user.reputation if user else None,
        }
        for post in posts
        for user in [known.get(post.owner)]
    ]


def publish(python: Path, folder: Path, site: str, posts: list[Post], users: list[User]) -> None:
    """Put an archive where a host serves it, and beside it what archive.org says of it.

    Args:
        python: an interpreter that has py7zr.
        folder: what the host serves.
        site: whose archive it is.
        posts: what Posts.xml holds.
        users: what Users.xml holds.
    """
    members = folder / "members"
    members.mkdir(parents=True, exist_ok=True)
    (members / "Posts.xml").write_text(posts_xml(posts), encoding="utf-8")
    (members / "Users.xml").write_text(users_xml(users), encoding="utf-8")
    (members / "Badges.xml").write_text("<badges />\n", encoding="utf-8")
    item = folder / "download/stackexchange"
    item.mkdir(parents=True, exist_ok=True)
    archive = item / f"{site}.7z"
    archive.unlink(missing_ok=True)
    names = sorted(path.name for path in members.iterdir())
    run(python, "-m", "py7zr", "c", archive, *names, cwd=members)
    content = archive.read_bytes()
    (item / "stackexchange_files.xml").write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<files><file name="{archive.name}" source="original">'
        f"<size>{len(content)}</size><sha1>{hashlib.sha1(content).hexdigest()}</sha1></file></files>\n",
        encoding="utf-8",
    )
