"""Imports all modules of an import package, in whichever environment runs this.

    python import_all.py PACKAGE [ALLOWED …]

A module may fail for want of an import package that is allowed: one of an extra, or one that the user brings.
"""

import importlib
import pkgutil
import sys


def main(package: str, *allowed: str) -> int:
    """Import them, and say how many there are.

    Args:
        package: the import package.
        allowed: top-level import packages that may be missing.

    Returns:
        The exit code: 1 where a module fails.
    """
    imported, waiting, failed = 0, 0, []
    for name in [package, *_modules(package)]:
        try:
            importlib.import_module(name)
            imported += 1
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] in allowed:
                waiting += 1
            else:
                failed.append(f"{name}: {error}")
        except Exception as error:  # noqa: BLE001 (a module may raise anything as it is imported)
            failed.append(f"{name}: {type(error).__name__}: {error}")
    print(*failed, sep="\n", file=sys.stderr)
    print(f"{imported} modules imported" + (f" and {waiting} that want more" if waiting else ""))
    return 1 if failed else 0


def _modules(package: str) -> list[str]:
    top = importlib.import_module(package)
    found = pkgutil.walk_packages(top.__path__, f"{package}.")
    return [item.name for item in found if not item.name.endswith("__main__")]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
