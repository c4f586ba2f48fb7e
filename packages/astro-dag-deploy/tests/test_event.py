"""Events as Lambda gets them: by hand, through a REST API, through an HTTP API, and damaged."""

import base64
import json
from typing import Any

import pytest
from astro_dag_deploy.errors import BadRequestError
from astro_dag_deploy.event import is_proxy, read_event
from hypothesis import given, settings
from hypothesis import strategies as st

INVOCATION = "invocation-1"
KEYS = {"astroWorkspace": "clworkspace", "astroDeployment": "cldeployment", "repo": "orders"}
DAGS = [{"dag_id": "medallion", "dag_file": {"path": "medallion.py", "text": "A = 1\n"}}]
TEXTS = st.text(st.characters(), max_size=10)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        name: JSON | st.just(value) for name, value in {**KEYS, "dags": DAGS, "requestId": "a"}.items()
    },
)
ENCODED = BODIES.map(json.dumps)
# What an event has in every form of it, each part as it should be or as anything.
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        **{name: JSON | st.just(value) for name, value in KEYS.items()},
        "body": JSON | BODIES | ENCODED | ENCODED.map(lambda text: base64.b64encode(text.encode()).decode()),
        "httpMethod": JSON,
        "queryStringParameters": JSON | BODIES,
        "multiValueQueryStringParameters": JSON,
        "headers": JSON | st.dictionaries(st.sampled_from(["Idempotency-Key", "idempotency-key"]), JSON),
        "isBase64Encoded": st.booleans() | JSON,
        "requestContext": JSON | st.fixed_dictionaries({"http": JSON, "requestId": JSON}),
    },
)


def direct(**fields: Any) -> dict[str, Any]:
    return {**KEYS, "body": {"dags": DAGS}, **fields}


def rest_api(content: Any = None, query: Any = None, **fields: Any) -> dict[str, Any]:
    """As a REST API sends it.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    return {
        "resource": "/dags",
        "path": "/dags",
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": query and {name: [value] for name, value in query.items()},
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"requestId": "gateway-1", "stage": "v1", "identity": {"userArn": None}},
        "body": json.dumps({"dags": DAGS} if content is None else content),
        "isBase64Encoded": False,
        **fields,
    }


def http_api(content: Any = None, query: Any = None, **fields: Any) -> dict[str, Any]:
    """As an HTTP API sends it, or the address of a function, in payload format 2.0."""
    event = {
        "version": "2.0",
        "routeKey": "POST /dags",
        "rawPath": "/dags",
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": "/dags"}, "requestId": "gateway-2"},
        "body": base64.b64encode(
            json.dumps({"dags": DAGS} if content is None else content).encode()
        ).decode(),
        "isBase64Encoded": True,
    }
    if query:
        event["queryStringParameters"] = query
    return {**event, **fields}


def problems(event: Any) -> list[str]:
    with pytest.raises(BadRequestError) as raised:
        read_event(event, INVOCATION)
    assert raised.value.problems
    return raised.value.problems


@pytest.mark.parametrize(
    ("event", "request_id"),
    [
        (direct(), INVOCATION),
        (direct(requestId="build-7"), "build-7"),
        (direct(requestId=None, body=json.dumps({"dags": DAGS})), INVOCATION),
        ({"body": {**KEYS, "dags": DAGS, "requestId": "build-7"}}, "build-7"),
        (rest_api(query=KEYS), "gateway-1"),
        (rest_api({**KEYS, "dags": DAGS}), "gateway-1"),
        (rest_api({**KEYS, "dags": DAGS}, query=KEYS), "gateway-1"),
        (rest_api({"dags": DAGS, "requestId": "build-7"}, query=KEYS), "build-7"),
        (rest_api(query={**KEYS, "requestId": "build-7"}), "build-7"),
        (rest_api({"dags": DAGS, "requestId": "a"}, query=KEYS, headers={"IDEMPOTENCY-key": "b"}), "b"),
        (rest_api(query=KEYS, headers=None, requestContext={}), INVOCATION),
        (http_api(query=KEYS), "gateway-2"),
        (http_api({**KEYS, "dags": DAGS}), "gateway-2"),
        (http_api(query=KEYS, headers={"idempotency-key": "build-7"}), "build-7"),
        (http_api(query=KEYS, body=json.dumps({"dags": DAGS}), isBase64Encoded=False), "gateway-2"),
    ],
)
def test_every_form_is_the_same_request(event: dict[str, Any], request_id: str):
    assert is_proxy(event) is ("requestContext" in event)
    request = read_event(event, INVOCATION)
    assert (request.workspace, request.deployment, request.repo) == tuple(KEYS.values())
    assert request.request_id == request_id
    assert [dag.dag_id for dag in request.dags] == ["medallion"]
    assert request.files["medallion.py"].text == "A = 1\n"


def test_an_order_to_remove_all_is_part_of_the_body():
    words = "remove every DAG of orders"
    for event in (
        direct(body={"dags": [], "remove_all": words}),
        rest_api({"dags": [], "remove_all": words}, KEYS),
    ):
        assert read_event(event, INVOCATION).remove_all == words


@pytest.mark.parametrize("event", [None, True, 1, 1.5, "text", [], [direct()]])
def test_what_is_no_object_is_no_event(event: Any):
    assert not is_proxy(event)
    (problem,) = problems(event)
    assert problem.startswith("The event must be an object, not ")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (direct(body=None), ["body: is missing; it must be an object with dags."]),
        (direct(body=[DAGS]), ["body: must be an object, not a list."]),
        (direct(body="[]"), ["body: must be an object, not a list."]),
        (direct(body=""), ["body: is not JSON: line 1, column 1: Expecting value."]),
        (
            rest_api(query=KEYS, body="{}", isBase64Encoded=True),
            ["body: is not base64 of UTF-8, as isBase64Encoded says."],
        ),
        (http_api(query=KEYS, body="/w=="), ["body: is not base64 of UTF-8, as isBase64Encoded says."]),
        (http_api(query=KEYS, body="é"), ["body: is not base64 of UTF-8, as isBase64Encoded says."]),
        (direct(body='{"dags": NaN}'), ["body: has NaN, which is not JSON."]),
        (direct(body='{"dags": [], "dags": []}'), ["body: has an object with the same name twice."]),
        (direct(body="9" * 5000), ["body: has a number that is too long, or is nested too deeply."]),
        (direct(body="[" * 200_000), ["body: has a number that is too long, or is nested too deeply."]),
        (direct(body="[" * 51 + "]" * 51), ["body: is nested more than 50 deep."]),
        (direct(body=f"[{'0,' * 100_000}0]"), ["body: has more than 100,000 values."]),
        (direct(body={"dags": [0] * 100_000}), ["The event has more than 100,000 values."]),
        (
            direct(body={"dags": DAGS, "repo": "users"}),
            ["repo: is one thing in the body and another outside of it; give it once."],
        ),
        (
            rest_api({"repo": "users", "dags": DAGS}, query=KEYS),
            ["repo: is one thing in the body and another outside of it; give it once."],
        ),
        (
            rest_api(query=KEYS, multiValueQueryStringParameters={"repo": ["orders", "users"]}),
            ["repo: is in the query more than once."],
        ),
        (
            rest_api(query=KEYS, headers={"Idempotency-Key": "a", "idempotency-key": "b"}),
            ["Idempotency-Key: is among the headers more than once."],
        ),
        (rest_api(query={**KEYS, "force": "yes"}), ["force: is not known."]),
        (
            rest_api(
                {**KEYS, "dags": DAGS},
                queryStringParameters=[],
                multiValueQueryStringParameters="a",
                headers=3,
                requestContext=True,
            ),
            [
                "multiValueQueryStringParameters: must be an object, not text.",
                "queryStringParameters: must be an object, not a list.",
                "headers: must be an object, not a number.",
                "requestContext: must be an object, not true or false.",
            ],
        ),
        (
            direct(event=1, body={"dags": DAGS, "repo ": 1}),
            ["event: is not known.", "'repo ': is not known."],
        ),
    ],
)
def test_what_is_wrong_with_an_event_is_said(event: Any, expected: list[str]):
    assert problems(event) == expected


def test_all_that_is_wrong_is_said_at_once():
    event = rest_api({"dags": [{}], "repo": "a/b"}, {"astroWorkspace": ""}, headers={"idempotency-key": ""})
    assert problems(event) == [
        "astroWorkspace: '' is not 1 to 64 letters, digits, - and _, first a letter or digit.",
        "astroDeployment: is missing.",
        "repo: 'a/b' is not 1 to 100 letters, digits, -, _ and single dots, first a letter or digit.",
        "dags[0].dag_id: is missing.",
        "dags[0].dag_file: is missing.",
        "requestId: '' is not 1 to 200 printable ASCII characters without a blank at an end "
        "(as Idempotency-Key, too).",
    ]
    # What is outside of a body that cannot be read is checked all the same, what must be in it is not missed.
    assert problems(direct(repo="a/b", body="{")) == [
        "body: is not JSON: line 1, column 2: Expecting property name enclosed in double quotes.",
        "repo: 'a/b' is not 1 to 100 letters, digits, -, _ and single dots, first a letter or digit.",
    ]


def test_a_request_id_that_is_no_text_is_refused_and_not_passed_over():
    for given_id in (7, [], {}, False):
        (problem,) = problems(direct(requestId=given_id))
        assert problem.startswith("requestId: must be text")


def test_an_event_of_any_depth_is_refused():
    deep: Any = "text"
    for _ in range(100_000):
        deep = [deep]
    assert problems(direct(body={"dags": deep})) == ["The event is nested more than 50 deep."]
    assert problems(deep) == ["The event must be an object, not a list."]


def test_the_error_has_nothing_of_the_request_behind_it():
    event = direct(body={"dags": [{"dag_file": "http://host/a.py?X-Amz-Signature=5ecre7"}]})
    with pytest.raises(BadRequestError) as raised:
        read_event(event, INVOCATION)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    assert "5ecre7" not in " ".join(raised.value.problems)


@given(EVENTS | JSON)
@settings(max_examples=200)
def test_whatever_comes_is_a_request_or_refused_with_reasons(event: Any):
    is_proxy(event)
    try:
        request = read_event(event, INVOCATION)
    except BadRequestError as error:
        assert error.problems
        assert all(problem.endswith(".") for problem in error.problems)
    else:
        assert request.files
