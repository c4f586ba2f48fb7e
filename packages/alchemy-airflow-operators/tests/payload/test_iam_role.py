import pytest
from alchemy.errors import PayloadError
from alchemy.payload.iam_role import role_arn
from hypothesis import given
from hypothesis import strategies as st

ACCOUNT = "210987654321"
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"

names = st.from_regex(r"\Aalc-db-[A-Za-z0-9_+=,.@-]{1,50}\Z")


@pytest.mark.parametrize(
    ("registry", "arn"),
    [
        (ECR, "arn:aws:iam::123456789012:role/alc-db-orders"),
        (f"https://{ECR}/", "arn:aws:iam::123456789012:role/alc-db-orders"),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "arn:aws:iam::123456789012:role/alc-db-orders"),
        (
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
            "arn:aws-cn:iam::123456789012:role/alc-db-orders",
        ),
        (
            "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com",
            "arn:aws-us-gov:iam::123456789012:role/alc-db-orders",
        ),
    ],
)
def test_a_name_stands_for_a_role_of_the_registrys_account(registry, arn):
    assert role_arn("alc-db-orders", registry=registry) == arn


def test_an_account_of_its_own_comes_before_that_of_the_registry():
    arn = role_arn("alc-db-orders", account=ACCOUNT, registry=ECR)
    assert arn == f"arn:aws:iam::{ACCOUNT}:role/alc-db-orders"


@pytest.mark.parametrize("path", ["", "data/", "data/lake/"])
@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_an_arn_stays_as_it_is_with_its_path_and_its_account(partition, path):
    arn = f"arn:{partition}:iam::{ACCOUNT}:role/{path}alc-db-orders"
    assert role_arn(arn, account="123456789012", registry=ECR) == arn


@given(name=names)
def test_an_arn_made_from_a_name_is_one_that_is_taken(name):
    arn = role_arn(name, account=ACCOUNT)
    assert arn == f"arn:aws:iam::{ACCOUNT}:role/{name}"
    assert role_arn(arn) == arn


@given(role=st.text() | st.text().map("alc-db-{}".format) | st.text().map("arn:aws:iam::{}".format))
def test_any_text_becomes_an_arn_with_the_prefix_or_is_refused_by_name(role):
    try:
        arn = role_arn(role, account=ACCOUNT)
    except PayloadError as error:
        assert "spark_s3_iam_role" in str(error)
        assert repr(role) in str(error)
    else:
        assert arn.rpartition("/")[2].startswith("alc-db-")
        assert arn.isascii()
