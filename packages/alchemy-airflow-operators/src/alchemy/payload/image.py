"""The address of the image that a cluster starts from."""

import re

from alchemy.errors import PayloadError

# What `docker pull` takes: https://github.com/distribution/reference/blob/main/reference.go.
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    r"(?:(?P<registry>(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:\d))(?::\d+)?)/)?"
    rf"(?P<repository>{_PART}(?:/{_PART})*)"
    r"(?P<version>:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(?:@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})?"
)


def complete_image(image: str, registry: str | None) -> str:
    """Return the address of an image with its registry.

    Args:
        image: ``group/job:tag``, or the same with a registry's host before it, which then stays.
        registry: The host for an image without one, such as
            ``123456789012.dkr.ecr.eu-west-1.amazonaws.com``; None: there is none.

    Raises:
        PayloadError: It is no image's address, has no tag, or has no registry and there is none to add, or
            what is there to add is no host.
    """
    found = _parsed(image)
    if not found["version"]:
        raise PayloadError(f"docker_image {image!r} has no tag: write which one, such as {image}:1.4.0.")
    if found["registry"]:
        return image
    if not registry:
        raise PayloadError(
            f"docker_image {image!r} has no registry: write it before the image, or set 'ecr_registry' in "
            "the extra of the Databricks connection or in the section [alchemy] of Airflow's configuration."
        )
    completed = f"{registry.removeprefix('https://').rstrip('/')}/{image}"
    parsed = _IMAGE.fullmatch(completed)
    if not parsed or not parsed["registry"]:
        raise PayloadError(
            f"ecr_registry {registry!r} is no registry's host: "
            "write one such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com."
        )
    return completed


def package_of(image: str) -> str:
    """Return the last part of an image's repository, by custom the package that it holds.

    Args:
        image: Its address, with or without a registry.

    Raises:
        PayloadError: It is no image's address.
    """
    return _parsed(image)["repository"].rpartition("/")[2]


def _parsed(image: str) -> dict[str, str]:
    found = _IMAGE.fullmatch(str(image))
    if not found:
        raise PayloadError(
            f"docker_image {image!r} is no image's address: "
            "write it as databricks-alchemy/group/job:tag, in small letters."
        )
    return {name: value or "" for name, value in found.groupdict().items()}
