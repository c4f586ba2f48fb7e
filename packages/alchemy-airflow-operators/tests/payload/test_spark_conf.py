from itertools import pairwise

import pytest
from alchemy.payload.spark_conf import Clash, layers, merged
from hypothesis import given
from hypothesis import strategies as st

ROLE = "arn:aws:iam::123456789012:role/alc-db-orders"
DEFAULTS = {
    "spark.hadoop.fs.s3a.acl.default": "BucketOwnerFullControl",
    "spark.hadoop.fs.s3a.canned.acl": "BucketOwnerFullControl",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.catalogImplementation": "hive",
    "spark.databricks.unityCatalog.volumes.enabled": "true",
}
GLUE = "spark.databricks.hive.metastore.glueCatalog.enabled"
ACL = "spark.hadoop.fs.s3a.acl.default"


def configuration(**arguments):
    return merged(layers(**arguments))


def test_there_are_defaults_for_s3_delta_the_catalog_and_volumes():
    assert configuration() == (DEFAULTS, [])


def test_a_role_is_assumed_for_s3():
    conf, clashes = configuration(role_arn=ROLE)
    assert conf == DEFAULTS | {
        "spark.hadoop.fs.s3a.credentialsType": "AssumeRole",
        "spark.hadoop.fs.s3a.stsAssumeRole.arn": ROLE,
    }
    assert clashes == []


def test_glue_is_the_metastore_when_it_is_asked_for():
    assert configuration(glue=True) == (DEFAULTS | {GLUE: "true"}, [])


@pytest.mark.parametrize(
    ("given_", "is_on"), [(True, True), ("true", True), ("True", True), ("False", False), ("false", False)]
)
def test_a_template_can_say_whether_glue_is_the_metastore(given_, is_on):
    assert configuration(glue=given_) == configuration(glue=is_on)


def test_archives_are_on_the_python_path():
    conf, _ = configuration(py_files=["s3://bucket/a.zip", "/Volumes/main/apps/files/b.zip"])
    assert conf == DEFAULTS | {"spark.submit.pyFiles": "s3://bucket/a.zip,/Volumes/main/apps/files/b.zip"}


def test_the_authors_settings_win_over_all_others_and_each_clash_is_told():
    conf, clashes = configuration(
        role_arn=ROLE,
        glue=True,
        additional={ACL: "Private", "spark.hadoop.fs.s3a.credentialsType": "Custom", GLUE: False},
    )
    assert (conf[ACL], conf["spark.hadoop.fs.s3a.credentialsType"], conf[GLUE]) == (
        "Private",
        "Custom",
        "false",
    )
    assert {clash.key: clash.loser for clash in clashes} == {
        ACL: "the defaults",
        "spark.hadoop.fs.s3a.credentialsType": "spark_s3_iam_role",
        GLUE: "enable_glue_access",
    }
    assert {clash.winner for clash in clashes} == {"additional_spark_conf"}


def test_saying_what_is_so_anyway_is_no_clash():
    assert configuration(glue=True, additional={GLUE: True}) == (DEFAULTS | {GLUE: "true"}, [])


def test_a_clash_is_told_without_its_values():
    _, (clash,) = configuration(additional={ACL: "{{secrets/scope/key}}"})
    assert str(clash) == f"{ACL} of additional_spark_conf replaces that of the defaults."
    assert clash.kept == "{{secrets/scope/key}}"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (200, "200"),
        (-1, "-1"),
        (0.75, "0.75"),
        ("", ""),
        ("8g", "8g"),
        ("naïve 'quoted' \"text\" {{secrets/scope/key}}", "naïve 'quoted' \"text\" {{secrets/scope/key}}"),
    ],
)
def test_values_become_texts_as_spark_has_them(value, sent):
    conf, _ = configuration(additional={"spark.test": value})
    assert conf["spark.test"] == sent


_keys = st.sampled_from(["spark.a", "spark.b", "spark.c"])


@given(st.lists(st.tuples(st.text(), st.dictionaries(_keys, st.sampled_from(["1", "2"]))), max_size=5))
def test_the_last_layer_wins_and_every_other_value_is_told_once(ordered):
    conf, clashes = merged(ordered)
    for key in {key for _, layer in ordered for key in layer}:
        given_ = [(name, layer[key]) for name, layer in ordered if key in layer]
        assert conf[key] == given_[-1][1]
        changes = [Clash(key, *before, *after) for before, after in pairwise(given_) if before[1] != after[1]]
        assert [clash for clash in clashes if clash.key == key] == changes
    assert all(clash.key in conf for clash in clashes)
