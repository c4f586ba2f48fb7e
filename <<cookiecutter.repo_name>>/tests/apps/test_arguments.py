"""The command lines of the apps."""

import pytest

from apps.daily_tags import DailyTags
from apps.medallion import Medallion


@pytest.mark.parametrize("app", [Medallion(), DailyTags()], ids=lambda app: app.name)
def test_help_names_the_environment(app, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app.execute(["--help"])
    assert "--env" in capsys.readouterr().out


def test_a_date_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        DailyTags().execute(["--date", "2026-02-30"])
    assert "--date" in capsys.readouterr().err
