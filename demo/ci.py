"""Steps 4 and 5: what was made is pushed to a repository whose hook is the CI."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

from walk import DemoError, Project, Walk

_HOOK = Path(__file__).with_name("pre-receive")
_SAID = re.compile(r"^remote: (make .*?)\s*(?:\x1b\[K)?$")
BRANCH = "main"


def checkout(walk: Walk) -> Path:
    """Return the folder in which the CI checks out, and in which its build products lie."""
    return walk.folder / "ci/checkout"


def push(walk: Walk, project: Project) -> Project:
    """Steps 4 and 5: commit, and push to a bare repository; its hook has to pass.

    Returns:
        The project with the commit that was accepted.

    Raises:
        DemoError: The CI refused it.
    """
    with walk.step(4, "Commit, and push") as step:
        walk.run(["git", "init", "--quiet", "--bare", f"--initial-branch={BRANCH}", project.repository])
        hook = project.repository / "hooks/pre-receive"
        hook.parent.mkdir(exist_ok=True)
        shutil.copy(_HOOK, hook)
        walk.run(["git", "remote", "add", "origin", project.repository], project.folder)
        walk.run(["git", "add", "--all"], project.folder)
        step.say('$ git commit -m "Add a table of authors"')
        walk.run(["git", "commit", "--quiet", "-m", "Add a table of authors"], project.folder)
        commit = walk.run(["git", "rev-parse", "HEAD"], project.folder).strip()
        step.say(f"$ git push origin {BRANCH}   ({commit[:10]}, to a bare repository on this disk)")
        step.see("repository", project.repository)
    with walk.step(5, "The CI lints, tests and packages what was pushed") as step:
        step.say("The repository's hook checks the commit out; it takes the push only if all of this passes:")
        logs = walk.folder / "ci"
        logs.mkdir()

        def said(line: str) -> None:
            found = _SAID.match(line)
            if found and " passed in " in found[1]:
                step.say(found[1])
            elif found:
                step.progress = found[1]

        walk.run(
            ["git", "push", "--quiet", "origin", f"HEAD:{BRANCH}"],
            project.folder,
            # Step 2 has brought all packages to this machine.
            {"CI_FOLDER": str(logs), "UV_OFFLINE": "1"},
            said,
        )
        taken = walk.run(["git", "rev-parse", BRANCH], project.repository).strip()
        if taken != commit:
            raise DemoError(f"{project.repository} has {taken[:10]} on {BRANCH}, not {commit[:10]}.")
        (wheel,) = (checkout(walk) / "dist").glob("*.whl")
        step.say(f"The push was taken; the CI built {wheel.name}")
        step.see("logs of each target", logs)
    return replace(project, commit=commit)
