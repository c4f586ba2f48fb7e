"""Deletes what an answer rules out.

A template's `cookiecutter.json` names it as data under the private key `_prune`:
`{question: {value: [paths]}}` lists the files and folders, relative to the project, that go when the answer
to the question is that value. Folders that are empty afterwards go too.

This module needs the standard library only and knows nothing of the tool around it: its text is also the body
of the templates' post-generation hook.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


class PruneError(Exception):
    """The template's list of what to prune does not fit the project it rendered."""


def prune(
    project: Path, manifest: Mapping[str, Mapping[str, list[str]]], answers: Mapping[str, object]
) -> None:
    """Delete from a rendered project what its answers rule out, and every empty folder.

    Args:
        project: the folder of the rendered project.
        manifest: the template's `_prune`.
        answers: the answers the project was rendered with.

    Raises:
        PruneError: a listed path is absent or lies outside the project. Nothing is deleted then.
    """
    listed = {
        path
        for question, by_value in manifest.items()
        for path in by_value.get(str(answers.get(question)), [])
    }
    for path in sorted(listed):
        relative = Path(path)
        if relative.is_absolute() or not relative.parts or ".." in relative.parts:
            raise PruneError(f"_prune lists '{path}', which is not a path inside the project.")
        if not os.path.lexists(project / path):
            raise PruneError(f"_prune lists '{path}', which the template does not render: mend the list.")
    for path in sorted(listed, reverse=True):
        target = project / path
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
    for folder, _, _ in os.walk(project, topdown=False):
        if folder != str(project) and not any(Path(folder).iterdir()):
            Path(folder).rmdir()


if __name__ == "__main__":
    import json
    import sys

    context = json.loads(<< cookiecutter | jsonify | jsonify >>)
    try:
        prune(Path.cwd(), context.get("_prune", {}), context)
    except PruneError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
