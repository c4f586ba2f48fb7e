"""The hooks of a template with rules: our own modules, as files that run without us.

Plain cookiecutter and cruft run a template's hooks as scripts that can import nothing beside them. So each
hook is the text of one of our modules with a few lines below it, and a test keeps them the same. `python -m
mshell_cut.hooks FOLDER` writes them.
"""

import sys
from importlib import resources
from pathlib import Path

# jsonify twice: the inner one makes JSON, the outer one a Python string literal, whatever an answer holds.
_READ_CONTEXT = "    context = json.loads(<" + "< cookiecutter | jsonify | jsonify >>)\n"

_PRE_GEN = (
    "rules.py",
    """

if __name__ == "__main__":
    import json
    import sys

"""
    + _READ_CONTEXT
    + """    delimiters = context["_jinja2_env_vars"]
    openers = [delimiters[f"{tag}_start_string"] for tag in ("variable", "block", "comment")]
    refused = problems(context.get("_rules", {}), context, openers)
    for sentence in refused:
        print(f"error: {sentence}", file=sys.stderr)
    sys.exit(1 if refused else 0)
""",
)

_POST_GEN = (
    "prune.py",
    """

if __name__ == "__main__":
    import json
    import sys

"""
    + _READ_CONTEXT
    + """    try:
        prune(Path.cwd(), context.get("_prune", {}), context)
    except PruneError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
""",
)


def texts() -> dict[str, str]:
    """Return the text of each hook by its file name, for a template with angle-bracket delimiters."""
    package = resources.files("mshell_cut")
    return {
        name: package.joinpath(module).read_text(encoding="utf-8") + main
        for name, (module, main) in {
            "pre_gen_project.py": _PRE_GEN,
            "post_gen_project.py": _POST_GEN,
        }.items()
    }


def are_ours(template: Path) -> bool:
    """Tell whether a template's hooks are exactly these, so that running them can be spared."""
    folder = template / "hooks"
    if not folder.is_dir():
        return False
    found = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.*") if file.is_file()}
    return found == texts()


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python -m mshell_cut.hooks FOLDER")
    try:
        Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
        for file_name, text in texts().items():
            Path(sys.argv[1], file_name).write_text(text, encoding="utf-8")
    except OSError as error:
        sys.exit(f"error: {error.filename} cannot be written: {error.strerror}.")
