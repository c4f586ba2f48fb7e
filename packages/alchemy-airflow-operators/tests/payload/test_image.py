import string

import pytest
from alchemy.errors import PayloadError
from alchemy.payload.image import complete_image, package_of
from hypothesis import given
from hypothesis import strategies as st

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"

_alphanumeric = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)
_parts = st.builds(
    lambda start, more: start + "".join(separator + text for separator, text in more),
    _alphanumeric,
    st.lists(st.tuples(st.sampled_from([".", "_", "__", "-", "--"]), _alphanumeric), max_size=2),
)
# A first part with a dot is a registry.
repositories = (
    st.lists(_parts, min_size=1, max_size=4).map("/".join).filter(lambda text: "." not in text.split("/")[0])
)
tags = st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}\Z")


@pytest.mark.parametrize(
    ("image", "completed"),
    [
        ("databricks-alchemy/group/job:1.4.0", f"{ECR}/databricks-alchemy/group/job:1.4.0"),
        ("job:dev", f"{ECR}/job:dev"),
        (f"group/job@{DIGEST}", f"{ECR}/group/job@{DIGEST}"),
        (f"group/job:1.4.0@{DIGEST}", f"{ECR}/group/job:1.4.0@{DIGEST}"),
        (f"{ECR}/group/job:1.4.0", f"{ECR}/group/job:1.4.0"),
        ("registry.example.com/job:1", "registry.example.com/job:1"),
        ("localhost/group/job:1", "localhost/group/job:1"),
        ("localhost:5000/group/job:1", "localhost:5000/group/job:1"),
        ("registry:5000/group/job:1", "registry:5000/group/job:1"),
    ],
)
def test_an_image_without_a_registry_is_completed_and_another_stays(image, completed):
    assert complete_image(image, ECR) == completed


@pytest.mark.parametrize("registry", [f"https://{ECR}", f"{ECR}/", f"https://{ECR}/"])
def test_a_registry_can_be_written_as_a_browser_shows_it(registry):
    assert complete_image("group/job:1", registry) == f"{ECR}/group/job:1"


def test_an_image_with_a_registry_needs_no_other():
    assert complete_image(f"{ECR}/group/job:1", None) == f"{ECR}/group/job:1"


@given(repository=repositories, tag=tags)
def test_what_was_completed_is_complete(repository, tag):
    completed = complete_image(f"{repository}:{tag}", ECR)
    assert completed == f"{ECR}/{repository}:{tag}"
    assert complete_image(completed, "other.example.com") == completed


@given(repository=repositories, tag=tags)
def test_the_package_is_the_last_part_of_the_repository(repository, tag):
    wanted = repository.split("/")[-1]
    assert package_of(f"{repository}:{tag}") == wanted
    assert package_of(f"{ECR}/{repository}:{tag}") == wanted
    assert package_of(f"localhost:5000/{repository}@{DIGEST}") == wanted


@given(st.text())
def test_any_text_is_an_image_or_refused_by_name(text):
    try:
        completed = complete_image(text, ECR)
    except PayloadError as error:
        assert "docker_image" in str(error)
        assert repr(text) in str(error)
    else:
        assert completed.endswith(text)
        assert not any(character.isspace() for character in completed)
