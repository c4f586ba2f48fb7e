"""Uploads as forms, which old clients and ``curl -F`` send."""

import base64
import binascii

from starlette.datastructures import UploadFile
from starlette.requests import Request

from databricks_local.errors import malformed


def is_form(request: Request) -> bool:
    """Return whether the body is a form with files."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    return kind.strip().lower() == "multipart/form-data"


async def read_form(request: Request, file_field: str) -> tuple[dict[str, object], bytes]:
    """Return the fields of the query and the form, and the content of the file in it.

    Args:
        request: The request.
        file_field: The name of the field with the file, or with its content in base64.

    Raises:
        ApiError: 400: the content is not base64.
    """
    async with request.form() as form:
        values: dict[str, object] = {**request.query_params}
        content = b""
        for name, value in form.multi_items():
            if name != file_field:
                values[name] = value
            elif isinstance(value, UploadFile):
                content = await value.read()
            else:
                content = decoded(value, file_field)
        return values, content


def decoded(text: str, field: str) -> bytes:
    """Return what base64 stands for; line breaks in it do not matter.

    Args:
        text: The base64.
        field: The field it came in.

    Raises:
        ApiError: 400: it is not base64.
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise malformed(f"Could not parse request object: '{field}' is not base64.") from None
