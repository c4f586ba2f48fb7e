"""What is installed for the interpreter that runs tasks: the stand-in for a Databricks runtime."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.utils import canonicalize_name

# Runs in that interpreter, which need not have this package.
_QUESTION = """
import importlib.metadata, importlib.util, json, os, site, sys
known = importlib.metadata.distributions()
installed = sorted({(each.metadata["Name"], each.version) for each in known if each.metadata["Name"]})
spark = importlib.util.find_spec("pyspark")
print(json.dumps({"executable": sys.executable, "version": list(sys.version_info[:3]), "installed": installed,
    "user_base": site.getuserbase() if site.ENABLE_USER_SITE else None,
    "spark_home": os.path.dirname(spark.origin) if spark and spark.origin else None}))
"""


@dataclass(frozen=True)
class Interpreter:
    """What an interpreter has.

    Attributes:
        path: The interpreter.
        version: Such as ``(3, 12, 3)``.
        installed: Versions by the normalized names of distributions, such as ``delta-spark``.
        user_base: Where ``pip install --user`` puts things, when the interpreter looks there.
        spark_home: PySpark's folder; None without PySpark.
    """

    path: Path
    version: tuple[int, int, int]
    installed: Mapping[str, str]
    user_base: str | None
    spark_home: Path | None

    @cached_property
    def fingerprint(self) -> str:
        """A text that changes when the interpreter or anything installed for it does."""
        known = json.dumps([str(self.path), self.version, sorted(self.installed.items())])
        return hashlib.sha256(known.encode()).hexdigest()

    @property
    def spark_line(self) -> str | None:
        """Spark's version without the last number, such as ``4.0``; None without PySpark."""
        version = self.installed.get("pyspark")
        return ".".join(version.split(".")[:2]) if version else None


async def ask_interpreter(python: Path) -> Interpreter:
    """Return what an interpreter has.

    Args:
        python: The interpreter.

    Raises:
        OSError: It cannot be run.
        ValueError: It is no Python, or is broken.
    """
    process = await asyncio.create_subprocess_exec(
        python, "-c", _QUESTION, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    answer, _ = await process.communicate()
    if process.returncode:
        raise ValueError(f"{python} cannot run Python code")
    facts = json.loads(answer)
    return Interpreter(
        path=python,
        version=tuple(facts["version"]),
        installed={canonicalize_name(name): number for name, number in facts["installed"]},
        user_base=facts["user_base"],
        spark_home=Path(facts["spark_home"]) if facts["spark_home"] else None,
    )
