"""S3 on a free port of 127.0.0.1, and a folder that follows a prefix of its bucket: BUCKET PREFIX FOLDER.

An external volume of Unity Catalog shows the objects below a prefix as files. Here the folder does: it has an
object before the client that completes it gets its answer, so whoever acts on the answer finds it there. It
prints its address and ends when its input does. Runs where moto is.
"""

import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server


class Mirrored:
    """A WSGI application whose objects below a prefix lie in a folder, too."""

    def __init__(self, application: Callable[..., Any], bucket: Any, prefix: str, folder: Path) -> None:
        self._application = application
        self._bucket = bucket
        self._prefix = prefix
        self._folder = folder
        self._lock = threading.Lock()
        self._copied: dict[str, str] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = self._application(environ, start_response)
        if environ["REQUEST_METHOD"] in ("PUT", "POST", "DELETE"):
            with self._lock:
                self._mirror()
        return body

    def _mirror(self) -> None:
        objects = {
            name.removeprefix(self._prefix): key
            for name, key in self._bucket.keys.items()
            if name.startswith(self._prefix)
        }
        for path in self._copied.keys() - objects.keys():
            (self._folder / path).unlink()
            del self._copied[path]
        for path, key in objects.items():
            if self._copied.get(path) != key.etag:
                file = self._folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                part = file.with_name(f".{file.name}.part")
                part.write_bytes(key.value)
                part.replace(file)
                self._copied[path] = key.etag


def main() -> None:
    bucket, prefix, folder = sys.argv[1:]
    made = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(bucket, "us-east-1")
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server(
        "127.0.0.1", 0, Mirrored(application, made, prefix.rstrip("/") + "/", Path(folder)), threaded=True
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
