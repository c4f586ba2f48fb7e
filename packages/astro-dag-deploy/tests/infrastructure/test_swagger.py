"""The description of the API: valid, within what the gateway takes, and of one mind with the code."""

import json
import re

import astro_dag_deploy
import pytest
from astro_dag_deploy.errors import DeployError
from astro_dag_deploy.event import read_event
from astro_dag_deploy.model.request import Dag, DeployRequest, Resource
from jsonschema import Draft4Validator
from openapi_spec_validator import validate
from pydantic import ValidationError

# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
# Of these an import fails, or what they say is dropped.
NOT_IN_MODELS = {
    "anyOf",
    "discriminator",
    "example",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "nullable",
    "readOnly",
}


@pytest.fixture(scope="session")
def api(template_source):
    return template_source["Resources"]["DeployApi"]["Properties"]["DefinitionBody"]


@pytest.fixture(scope="session")
def conforms(api):
    """A check of a value against a schema by its name, by JSON schema's draft 4 as the gateway reads them."""

    def check(value, name):
        schema = {"$ref": f"#/components/schemas/{name}", "components": api["components"]}
        Draft4Validator(schema).validate(value)

    return check


@pytest.fixture(scope="session")
def deploy(api):
    (path,) = api["paths"].items()
    assert path[0] == "/dags"
    assert list(path[1]) == ["post"]
    return path[1]["post"]


def test_it_is_openapi(api):
    validate(api)


def test_the_gateway_takes_it(api, walk):
    # A template of CloudFormation has no null.
    assert [place for place, value in walk(api) if value is None] == []
    for name, schema in api["components"]["schemas"].items():
        assert re.fullmatch("[A-Za-z0-9]+", name)
        for place, value in walk(schema):
            if isinstance(value, dict) and place[-1:] != ("properties",):
                assert not NOT_IN_MODELS & value.keys(), (name, place)
                # It fails on a description of an array, not on one of its items.
                assert not ({"description"} <= value.keys() and value.get("type") == "array"), (name, place)
        Draft4Validator.check_schema(schema)


def test_only_iam_lets_callers_in(api, deploy):
    assert deploy["security"] == [{"sigv4": []}]
    assert api["components"]["securitySchemes"]["sigv4"] == {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
    }


def test_the_function_alone_judges_requests(api, walk):
    # The gateway would name the first problem and keep the others to itself.
    assert not [
        place for place, _ in walk(api) if place and place[-1].startswith("x-amazon-apigateway-request-valid")
    ]


def test_the_gateway_waits_as_long_as_it_can(deploy):
    integration = deploy["x-amazon-apigateway-integration"]
    assert (integration["type"], integration["httpMethod"]) == ("aws_proxy", "POST")
    assert integration["timeoutInMillis"] == 29000


def test_it_is_of_this_version(api):
    assert api["info"]["version"] == astro_dag_deploy.__version__


def errors():
    found, waiting = [], [DeployError]
    while waiting:
        found.append(waiting.pop())
        waiting += found[-1].__subclasses__()
    return found


def test_every_failure_of_the_code_is_in_it(api, deploy):
    codes = {error.code for error in errors()}
    assert set(api["components"]["schemas"]["Failed"]["properties"]["error"]["enum"]) == codes | {"gateway"}
    for error in errors():
        assert error.code in deploy["responses"][str(error.status)]["description"], error
    of_the_gateway = {"413", "429", "504"}
    assert set(deploy["responses"]) == {"200"} | {str(error.status) for error in errors()} | of_the_gateway


def fields(model):
    named = model.model_json_schema(by_alias=True)
    return set(named["properties"]), set(named.get("required", []))


def test_it_names_the_fields_of_the_code(api):
    schemas = api["components"]["schemas"]
    names, _ = fields(DeployRequest)
    # Those that may be outside of the body are required there or here, which no schema can say.
    assert set(schemas["DeployRequest"]["properties"]) == names
    assert set(schemas["Dag"]["properties"]) == fields(Dag)[0]
    assert set(schemas["Dag"]["required"]) == fields(Dag)[1]
    of_files = schemas["SourcedFile"]["properties"].keys() | schemas["TextFile"]["properties"].keys()
    assert of_files == fields(Resource)[0]


@pytest.mark.parametrize("name", ["bucket", "presigned", "text", "removal"])
def test_its_requests_are_requests(deploy, conforms, name):
    examples = deploy["requestBody"]["content"]["application/json"]["examples"]
    assert set(examples) == {"bucket", "presigned", "text", "removal"}
    body = examples[name]["value"]
    conforms(body, "DeployRequest")
    event = {
        "httpMethod": "POST",
        "queryStringParameters": {
            "astroWorkspace": "cm0workspace",
            "astroDeployment": "cm0deployment",
            "repo": "orders",
        },
        "headers": {"idempotency-key": "build-17"},
        "body": json.dumps(body),
    }
    assert read_event(event, "invocation").request_id == "build-17"


def test_its_answers_are_answers(deploy, conforms):
    shown = 0
    for response in deploy["responses"].values():
        content = response["content"]["application/json"]
        if "example" in content:
            conforms(content["example"], content["schema"]["$ref"].rpartition("/")[2])
            shown += 1
    assert shown == 2


def test_what_the_gateway_answers_looks_like_the_function(api, conforms):
    responses = api["x-amazon-apigateway-gateway-responses"]
    assert set(responses) == {"DEFAULT_4XX", "DEFAULT_5XX", "INTEGRATION_TIMEOUT"}
    for response in responses.values():
        text = response["responseTemplates"]["application/json"]
        # The first of these comes with its quotes.
        text = text.replace("$context.error.messageString", '"Forbidden"').replace("$context.requestId", "id")
        assert "$" not in text
        conforms(json.loads(text), "Failed")
    late = responses["INTEGRATION_TIMEOUT"]
    seconds = json.loads(late["responseTemplates"]["application/json"])["retry_after"]
    assert late["responseParameters"]["gatewayresponse.header.Retry-After"] == f"'{seconds}'"


def request_with(field, text):
    dag = {"dag_id": "a", "dag_file": {"path": "a.py", "text": ""}}
    request = {"astroWorkspace": "w", "astroDeployment": "d", "repo": "r", "requestId": "i", "dags": [dag]}
    if field in ("source", "path"):
        dag["dag_file"] |= {"path": text} if field == "path" else {"source": text, "text": None}
    else:
        (dag if field in ("dag_id", "contact_email") else request)[field] = text
    return request


def probes(around):
    """Texts of every length and with every character of ASCII at every kind of place."""
    before, after = around
    middles = ["a" * length for length in range(300)]
    for character in map(chr, range(128)):
        middles += [character, f"a{character}", f"{character}a", f"a{character}a", f"a{character * 2}a"]
    return [f"{before}{middle}{after}" for middle in middles]


@pytest.mark.parametrize(
    ("field", "name", "arounds"),
    [
        ("astroWorkspace", "Identifier", [("", "")]),
        ("astroDeployment", "Identifier", [("", "")]),
        ("repo", "Repository", [("", "")]),
        ("requestId", "RequestId", [("", "")]),
        ("dag_id", None, [("", "")]),
        ("contact_email", None, [("", "@b"), ("a@", ""), ("", "")]),
        (
            "source",
            "Source",
            [("s3://", "/a"), ("s3://abc", ""), ("https://", "/a"), ("https://a", "/"), ("", "")],
        ),
        ("path", "DagPath", [("", ".py"), ("a/", ".py"), ("", "")]),
    ],
)
def test_its_patterns_are_those_of_the_code(api, field, name, arounds):
    schemas = api["components"]["schemas"]
    schema = schemas[name] if name else schemas["Dag"]["properties"][field]
    accepts = Draft4Validator(json.loads(json.dumps(schema).replace('$"', '\\\\Z"'))).is_valid
    taken = 0
    for around in arounds:
        for text in probes(around):
            try:
                DeployRequest.model_validate(request_with(field, text))
            except ValidationError:
                # Of a source and a path a schema cannot say all.
                assert not accepts(text) or field in ("source", "path"), text
            else:
                assert accepts(text), text
                taken += 1
    assert taken
