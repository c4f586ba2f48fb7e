"""Makes the tables of `resources/config.yml`: XML to bronze, bronze to silver, silver to gold."""

from skyspark import PipelineApp


class Medallion(PipelineApp):
    """Makes the tables that are asked for; running it again changes nothing."""

    name = "medallion"
    config = "config.yml"


def main() -> None:
    """Run the app on the arguments of this process."""
    Medallion().main()


if __name__ == "__main__":
    main()
