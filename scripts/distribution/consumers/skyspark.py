"""An application as a project has it, which a laptop without Spark can import, check and ask for help."""

# ruff: noqa: S101
from argparse import ArgumentParser, Namespace
from pathlib import Path

from skyspark import Settings, SkySparkError, SparkApp, __version__, load_settings, table


class OrdersSettings(Settings):
    """What the application is set to."""

    limit: int = 10


class Orders(SparkApp):
    """Does nothing."""

    name = "orders"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add an argument."""
        parser.add_argument("--limit", type=int)


@table(name="orders")
def orders(limit: int) -> int:
    """Stand for a table."""
    return limit


folder = Path("settings")
folder.mkdir()
(folder / "base.yaml").write_text("schema_name: sales\nlimit: 20\n", encoding="utf-8")
settings: OrdersSettings = load_settings(OrdersSettings, Path(), "local")
assert settings.limit == 20
assert Orders().name == "orders"
assert issubclass(SkySparkError, Exception)
assert isinstance(Namespace(), Namespace)
assert __version__
