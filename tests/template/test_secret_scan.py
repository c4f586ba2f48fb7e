"""The scan for secrets finds what is planted, and nothing in what may stand in a project."""

import pytest
from template.secret_scan import secrets

# Put together here, so that nothing in this file looks like one.
MADE = {
    "private key": ["-----BEGIN OPENSSH PRIVATE " + "KEY-----", "-----BEGIN RSA PRIVATE " + "KEY-----"],
    "AWS access key": ["aws_access_key_id = " + "AKIA" + "Q3EGRHWX5TZ7KLMN"],
    "Databricks token": ["DATABRICKS_TOKEN=" + "dapi" + "0123456789abcdef" * 2],
    "GitHub token": ["token ghp_" + "aB3" * 12, "github_pat_" + "1aB_" * 10],
    "GitLab token": ["glpat-" + "aB3-x" * 4],
    "Slack token": ["xoxb-" + "1234567890-abc"],
    "JSON web token": ["Bearer eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxIn0.x"],
    "password in an address": ["postgresql://airflow:" + "pw@db:5432/x", "redis://:" + "pw@redis:6379/0"],
    "account of AWS": ["arn:aws:iam::210987654321:role/x", "210987654321.dkr.ecr.eu-west-1.amazonaws.com"],
    "random text": ["x: Yk9uZ1JhbmRvbUtleU9" + "mVGhpcnR5VHdvQnl0=", "Zt0cUs/8fHk2P" + "zqL5mN+B7xWdEaRyT1o"],
    "random bytes": ['key: "' + "0123456789abcdef" * 2 + '"', "SALT=" + "0123456789abcdef" * 4],
    "value of a secret": [
        "password: " + "hunter22", 'PASSWORD = "' + "hunter22" + '"', "export API_SECRET_KEY=" + "abcdefgh",
        'fernetKey: "' + "abcdefgh" + '"', "'db_password': '" + "hunter22'", "JWT_SECRET=" + "abcdefgh",
        '{"token": "made-token", "secret": "' + "hunter22" + '"}',
    ],
}  # fmt: skip
HARMLESS = [
    "fernetKeySecretName: airflow-fernet-key",
    "existingSecret: airflow-metadata",
    "GIT_PASSWORD=env:GIT_PASSWORD",
    "postgresql://postgres:%s@%s:5432/postgres",
    '{"JWT_SECRET": "made-0", "AIRFLOW_CONN_AWS_DEFAULT": "aws://made-id:made-key@/"}',
    'password: ""',
    "password: ${PASSWORD}",
    'FERNET_KEY="$(generate_key)"',
    "- uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1  # v7.0.1",
    "    --hash=sha256:" + "0123456789abcdef" * 4,
    "image: kindest/node:v1.34.0@sha256:" + "0123456789abcdef" * 4,
    "registry: 123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "root_path: /Workspace/Users/1b2c3d4e-0000-4000-8000-0123456789ac/.bundle",
    "https://github.com/example/airflow-platform.git",
    "ssh://git@git.example.com:7999/x/y.git",
    "git@github.com:example/airflow-platform.git",
    "gitlab.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf",
]


@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind, lines in MADE.items() for line in lines])
def test_what_is_planted_is_found(kind: str, line: str) -> None:
    found = list(secrets(f"first: line\n{line}\n"))
    assert f"{kind} in line 2: {line}" in found


@pytest.mark.parametrize("line", HARMLESS)
def test_what_is_public_or_empty_is_let_through(line: str) -> None:
    assert not list(secrets(line))
