"""mshell-cut against plain cookiecutter: `--help`, and cutting the same template without questions."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import BIN, REPOSITORY, STOCK, report, seconds


def main() -> int:
    """Print both ratios; exit 1 when one does not hold."""
    with tempfile.TemporaryDirectory() as folder:
        template, out = Path(folder, "template"), Path(folder, "out")
        subprocess.run(["git", "clone", "--quiet", REPOSITORY, template], check=True)

        def empty(_: str) -> None:
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()

        helps = seconds(
            {
                "mshell-cut --help": [BIN / "mshell-cut", "--help"],
                "cookiecutter --help": [STOCK / "cookiecutter", "--help"],
            },
            runs=21,
        )
        ours = [BIN / "mshell-cut", "cut", "--template", template, "--no-input", "--output-dir", out]
        theirs = [STOCK / "cookiecutter", template, "--no-input", "--default-config", "-o", out]
        cuts = seconds(
            {"mshell-cut cut --no-input (with commit)": ours, "cookiecutter --no-input": theirs},
            runs=21,
            before_each=empty,
        )
    return not all(
        [
            report("Start-up", *helps, helps, 0.35),
            report("Cutting a project", *cuts, cuts, 1.0),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
