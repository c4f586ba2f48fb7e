"""Templates from folders and git addresses, and the catalogue of names for them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from scaffold import commit_all, git, write_tree

from mshell_cut import catalogue, source
from mshell_cut.errors import CatalogueError, FileUnreadableError, MshellCutError, TemplateNotFoundError

Run = Callable[..., subprocess.CompletedProcess[str]]


def url(template: Path) -> str:
    return template.as_uri()


def test_a_git_address_is_cloned_and_its_commit_known(template: Path) -> None:
    with source.opened(url(template)) as found:
        assert (found.path / "cookiecutter.json").is_file()
        assert found.address == url(template)
        assert found.commit == git(template, "rev-parse", "HEAD")
        assert not found.changed
    assert not found.path.exists()


def test_a_used_template_can_be_used_without_a_network(
    template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with source.opened(url(template)) as first:
        pass
    template.rename(template.with_name("gone"))
    with source.opened(url(template)) as second:
        assert second.commit == first.commit
    assert "last copy" in capsys.readouterr().err


def test_new_commits_are_fetched(template: Path) -> None:
    with source.opened(url(template)):
        pass
    write_tree(template, {"new": ""})
    newest = commit_all(template)
    with source.opened(url(template)) as found:
        assert found.commit == newest


def test_what_strangers_propose_is_not_fetched(template: Path) -> None:
    git(template, "checkout", "--quiet", "-b", "proposal")
    write_tree(template, {"hooks/pre_gen_project.sh": "#!/bin/sh\n"})
    proposed = commit_all(template)
    git(template, "checkout", "--quiet", "main")
    git(template, "update-ref", "refs/pull/1/head", proposed)
    git(template, "branch", "--quiet", "-D", "proposal")
    for _ in ("cloned", "fetched"):
        with source.opened(url(template)) as found:
            assert found.commit != proposed
        with pytest.raises(TemplateNotFoundError), source.opened(url(template), checkout=proposed):
            pass


@pytest.mark.parametrize("remote", [True, False])
def test_a_checkout_is_a_branch_a_tag_or_a_commit(template: Path, remote: bool) -> None:
    first = git(template, "rev-parse", "HEAD")
    git(template, "tag", "v1")
    git(template, "branch", "old")
    write_tree(template, {"new": ""})
    commit_all(template)
    for name in ("v1", "old", first, first[:10]):
        with source.opened(url(template) if remote else str(template), checkout=name) as found:
            assert (found.commit, found.checkout) == (first, name)
            assert not (found.path / "new").exists()


def test_a_bare_repository_on_this_machine_is_cloned_like_any_other(template: Path, tmp_path: Path) -> None:
    bare, newest = tmp_path / "served.git", git(template, "rev-parse", "HEAD")
    git(tmp_path, "clone", "--quiet", "--bare", str(template), str(bare))
    for checkout in (None, "main", newest):
        with source.opened(str(bare), checkout=checkout) as found:
            assert (found.path / "cookiecutter.json").is_file()
            assert (found.address, found.commit, found.checkout) == (str(bare), newest, checkout)
    git(bare, "symbolic-ref", "HEAD", "refs/heads/elsewhere")
    with pytest.raises(TemplateNotFoundError, match="no commit at its HEAD"), source.opened(str(bare)):
        pass
    with source.opened(str(bare), checkout="main") as found:
        assert found.commit == newest


@pytest.mark.parametrize("checkout", ["nothing", "--upload-pack=touch pwned", "HEAD:README"])
def test_an_unknown_checkout_is_named(template: Path, checkout: str) -> None:
    with (
        pytest.raises(TemplateNotFoundError, match="branch, tag or commit"),
        source.opened(url(template), checkout=checkout),
    ):
        pass


def test_a_template_in_a_folder_of_a_repository_records_that_folder(template: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    template.rename(outer / "spark")
    subprocess.run(["rm", "-rf", outer / "spark/.git"], check=True)
    commit_all(outer)
    for address, directory in [(url(outer), "spark"), (str(outer), "spark"), (str(outer / "spark"), None)]:
        with source.opened(address, directory=directory) as found:
            assert found.directory == "spark"
    with source.opened(str(outer), directory="spark", checkout="main") as found:
        assert found.directory == "spark"
        assert found.address == str(outer)


@pytest.mark.parametrize("directory", ["..", "../..", "/etc", "hooks/../../.."])
def test_a_directory_that_leads_out_is_refused(template: Path, directory: str) -> None:
    with pytest.raises(MshellCutError, match="leads out"), source.opened(str(template), directory=directory):
        pass


@pytest.mark.parametrize("address", ["file:///nowhere/at/all", "no-such-folder"])
def test_an_address_with_nothing_behind_it_is_named(address: str) -> None:
    with pytest.raises(TemplateNotFoundError, match=address.replace(".", r"\.")), source.opened(address):
        pass


@pytest.mark.parametrize("user", ["ada:geheim", "ghp_geheim", "ada:ge@heim"])
def test_no_password_of_an_address_is_in_an_error_or_a_warning(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], user: str
) -> None:
    address = f"http://{user}@127.0.0.1:1/acme/spark.git"
    with pytest.raises(TemplateNotFoundError) as caught, source.opened(address):
        pass
    assert str(caught.value).startswith("http://127.0.0.1:1/acme/spark.git cannot be cloned: ")

    mirror = source.mirror_folder(address)
    mirror.mkdir(parents=True)
    git(mirror, "init", "--quiet", "--bare")
    with pytest.raises(TemplateNotFoundError) as caught, source.opened(address):
        pass
    told = capfd.readouterr().err
    assert "http://127.0.0.1:1/acme/spark.git cannot be reached" in told
    assert "heim" not in f"{caught.value} {told}"


def test_a_list_of_templates_shows_no_password(mshell_cut: Run) -> None:
    catalogue.add(catalogue.Template("ours", "", "https://ada:geheim@example.com/spark.git"))
    for words in (["templates"], ["templates", "list", "--json"]):
        told = mshell_cut(*words).stdout
        assert "https://example.com/spark.git" in told
        assert "geheim" not in told


def test_abbreviations_are_those_of_cookiecutter() -> None:
    assert source.expand("gh:acme/spark") == "https://github.com/acme/spark.git"
    assert source.is_remote("git@example.com:acme/spark.git")
    assert not source.is_remote("./gh")


def test_the_catalogue_keeps_what_is_added(mshell_cut: Run, template: Path, tmp_path: Path) -> None:
    added = mshell_cut("templates", "add", "ours", template, "--description", "Our own")
    assert added.returncode == 0, added.stderr
    listed = json.loads(mshell_cut("templates", "list", "--json").stdout)["templates"]
    assert [entry["name"] for entry in listed] == [*(one.name for one in catalogue.BUILT_IN), "ours"]
    assert listed[-1]["description"] == "Our own"
    assert mshell_cut("cut", "ours", "--no-input", "--output-dir", tmp_path / "out").returncode == 0
    assert mshell_cut("templates", "remove", "ours").returncode == 0
    assert "ours" not in mshell_cut("templates").stdout


def test_the_catalogue_refuses_what_is_no_template(mshell_cut: Run, tmp_path: Path) -> None:
    done = mshell_cut("templates", "add", "ours", tmp_path)
    assert done.returncode == 2
    assert "no cookiecutter.json" in done.stderr
    assert "ours" not in mshell_cut("templates").stdout


def test_names_are_taken_once_and_our_own_stay() -> None:
    with pytest.raises(CatalogueError, match="already"):
        catalogue.add(catalogue.Template("skyspark", "", "x"))
    with pytest.raises(CatalogueError, match="comes with mshell-cut"):
        catalogue.remove("skyspark")
    with pytest.raises(CatalogueError, match=r"Did you mean skyspark\?"):
        catalogue.remove("skysparc")
    with pytest.raises(CatalogueError, match="no name"):
        catalogue.add(catalogue.Template("a/b", "", "x"))


def test_a_name_that_was_the_user_s_before_it_was_ours_stays_the_user_s(
    machine: Path, mshell_cut: Run, template: Path, tmp_path: Path
) -> None:
    write_tree(machine / ".config/mshell-cut", {"templates.yaml": f"astro-dag: {{address: {template}}}"})
    listed = json.loads(mshell_cut("templates", "list", "--json").stdout)["templates"]
    assert {entry["name"]: entry["address"] for entry in listed} == {
        one.name: str(template) if one.name == "astro-dag" else None for one in catalogue.BUILT_IN
    }
    assert mshell_cut("cut", "astro-dag", "--no-input", "--output-dir", tmp_path / "out").returncode == 0
    assert (tmp_path / "out" / "orders").is_dir()
    catalogue.remove("astro-dag")
    assert catalogue.find("astro-dag") in catalogue.BUILT_IN


def test_a_damaged_catalogue_is_named(machine: Path) -> None:
    write_tree(machine / ".config/mshell-cut", {"templates.yaml": "ours: {adress: x}"})
    with pytest.raises(FileUnreadableError, match=r"templates\.yaml"):
        catalogue.templates()


def test_an_unknown_template_suggests_a_near_one(mshell_cut: Run) -> None:
    done = mshell_cut("cut", "skyspak", "--no-input")
    assert done.returncode == 2
    assert "Did you mean skyspark?" in done.stderr
