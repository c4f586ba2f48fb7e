"""Bills of materials: what each package brings with it when it is installed, as CycloneDX.

uv writes them (https://docs.astral.sh/uv/concepts/projects/export/). What differs from run to run is
replaced, and what uv does not know is added: the wheel's own hash, and the wheels that it carries.
"""

import hashlib
import json
import re
import tempfile
import uuid
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import parse_wheel_filename

from distribution import metadata
from distribution.errors import DistributionError
from distribution.locks import versions
from distribution.packages import Package, digest
from distribution.packages import packages as all_packages
from distribution.programs import run, tool


def file_of(package: Package, folder: Path) -> Path:
    """Return where a package's bill lies below the folder of what was built."""
    return folder / "sbom" / f"{package.stem}.cdx.json"


def write(packages: Sequence[Package], folder: Path) -> None:
    """Write the bills of packages into `sbom/` below the folder of what was built.

    They hold what is installed without extras, at the versions that the tests ran with.

    Args:
        packages: which ones.
        folder: what was built.

    Raises:
        DistributionError: the dependencies cannot be resolved, or a bill contradicts itself.
    """
    for package in packages:
        package.files(folder)
        bill = _bill(package, folder)
        _check(package, bill)
        place = file_of(package, folder)
        place.parent.mkdir(exist_ok=True)
        for old in place.parent.glob(f"{package.stem.split('-')[0]}-*"):
            old.unlink()
        place.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _bill(package: Package, folder: Path) -> dict[str, Any]:
    wheel = package.wheel(folder)
    with tempfile.TemporaryDirectory(prefix="sbom-") as temporary:
        project = Path(temporary)
        (project / "pyproject.toml").write_text(_project(package, wheel), encoding="utf-8")
        options = ("--project", project, "--python", tool("python"))
        doing = f"Resolving the dependencies of {package.name}"
        run(tool("uv"), "lock", "--quiet", *options, cwd=project, doing=doing)
        told = run(
            *(tool("uv"), "export", "--quiet", "--frozen", "--format", "cyclonedx1.5", *options),
            cwd=project,
            doing=f"Writing the bill of {package.name}",
        )
    bill: dict[str, Any] = json.loads(told)
    bill["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{digest(wheel)}").urn
    del bill["metadata"]["timestamp"]
    about = metadata.read(wheel)
    bill["metadata"]["component"] |= {
        "description": about["Summary"],
        "purl": f"pkg:pypi/{package.name}@{package.version}",
        "licenses": [{"expression": about["License-Expression"]}],
        "hashes": [{"alg": "SHA-256", "content": digest(wheel)}],
    }
    bill.setdefault("components", []).extend(_carried(package, wheel))
    return bill


def _project(package: Package, wheel: Path) -> str:
    """Write a project that depends on what a wheel asks for, at the tested versions."""
    wanted = [Requirement(line) for line in metadata.read(wheel).get_all("Requires-Dist", [])]
    always = [str(item) for item in wanted if not (item.marker and "extra ==" in str(item.marker))]
    # JSON's strings and arrays are TOML's too.
    return "\n".join(
        [
            "[project]",
            f"name = {json.dumps(package.name)}",
            f"version = {json.dumps(package.version)}",
            f"requires-python = {json.dumps(package.settings['project']['requires-python'])}",
            f"dependencies = {json.dumps(always)}",
            "[tool.uv]",
            "package = false",
            f"constraint-dependencies = {json.dumps([str(item) for item in versions(package)])}",
        ]
    )


def _carried(package: Package, wheel: Path) -> list[dict[str, Any]]:
    """Describe the wheels inside a wheel: templates bring them to the projects that are cut."""
    public = {each.name for each in all_packages(package.root)}
    found: dict[str, dict[str, Any]] = {}
    with zipfile.ZipFile(wheel) as archive:
        for inner in sorted(name for name in archive.namelist() if name.endswith(".whl")):
            content = hashlib.sha256(archive.read(inner)).hexdigest()
            name, version, *_ = parse_wheel_filename(Path(inner).name)
            part = found.setdefault(
                content,
                {
                    "type": "library",
                    "bom-ref": f"carried-{content[:12]}",
                    "name": name,
                    "version": str(version),
                    "hashes": [{"alg": "SHA-256", "content": content}],
                    "properties": [],
                },
            )
            if name in public:
                part["purl"] = f"pkg:pypi/{name}@{version}"
            part["properties"].append({"name": "mshell-cut:path", "value": inner})
    return list(found.values())


def _check(package: Package, bill: dict[str, Any]) -> None:
    """See that a bill holds what the package declares, and that its parts refer to each other."""
    own = bill["metadata"]["component"]["bom-ref"]
    refs = [own, *(part["bom-ref"] for part in bill["components"])]
    problems = [f"{ref} is there twice" for ref in sorted(set(refs)) if refs.count(ref) > 1]
    needs = {item["ref"]: item.get("dependsOn", []) for item in bill["dependencies"]}
    problems += [
        f"{ref} needs {other}, which is not there"
        for ref in needs
        for other in needs[ref]
        if other not in refs
    ]
    names = {re.sub("[-_.]+", "-", part["name"]).lower() for part in bill["components"]}
    declared = (Requirement(line).name for line in package.settings["project"].get("dependencies", []))
    problems += [
        f"{name} is not there" for name in declared if re.sub("[-_.]+", "-", name).lower() not in names
    ]
    if problems:
        raise DistributionError(f"The bill of {package.name} contradicts itself:\n" + "\n".join(problems))
