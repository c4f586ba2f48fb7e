"""Sends DAGs to the deploy function as a CI job does: ``send_dags.py REQUEST ANSWER``, where boto3 is.

REQUEST is a file of JSON: the request with the texts of its files, where to send it, the bucket and prefix of
build products, and the request's id. The files go to the bucket, and the request names them there. It is
signed by the access key of the environment, and sent again while the answer says that this makes sense.
ANSWER gets the status, the answer, and the objects of all buckets.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

_ATTEMPTS = 30
_PAUSE_S = 2.0
_AGAIN = (429, 503, 504)

Json = dict[str, Any]


def upload(dags: list[Json], bucket: str, prefix: str) -> list[Json]:
    """Put the texts of a request into a bucket.

    Args:
        dags: The request's DAGs, with the texts of their files.
        bucket: The bucket.
        prefix: What the keys begin with, with / at its end.

    Returns:
        The DAGs, with where the files lie in place of their texts.
    """
    s3 = boto3.client("s3")

    def stored(file: Json) -> Json:
        key = prefix + file["path"]
        s3.put_object(Bucket=bucket, Key=key, Body=file["text"].encode())
        return {"path": file["path"], "source": f"s3://{bucket}/{key}"}

    return [
        {
            **dag,
            "dag_file": stored(dag["dag_file"]),
            "dependencies": [stored(each) for each in dag["dependencies"]],
        }
        for dag in dags
    ]


def post(url: str, body: Json, request_id: str) -> tuple[int, Any]:
    """Post a signed request until there is an answer that stays, and return its status and body."""
    session = boto3.Session()
    content = json.dumps(body).encode()
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_S)
        headers = {"Content-Type": "application/json", "Idempotency-Key": request_id}
        request = AWSRequest("POST", url, headers, content)
        SigV4Auth(session.get_credentials(), "execute-api", session.region_name).add_auth(request)
        response = URLLib3Session().send(request.prepare())
        answer = json.loads(response.content)
        if response.status_code not in _AGAIN and answer.get("error") != "in_progress":
            break
    return response.status_code, answer


def main() -> None:
    """Upload, send, and write the answer."""
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    body = {**asked["body"], "dags": upload(asked["body"]["dags"], asked["bucket"], asked["prefix"])}
    status, answer = post(asked["url"], body, asked["request_id"])
    s3 = boto3.client("s3")
    objects = [
        f"s3://{bucket['Name']}/{found['Key']}"
        for bucket in s3.list_buckets()["Buckets"]
        for found in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", [])
    ]
    written = {"status": status, "answer": answer, "objects": sorted(objects)}
    Path(sys.argv[2]).write_text(json.dumps(written), encoding="utf-8")


if __name__ == "__main__":
    main()
