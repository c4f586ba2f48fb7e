from skyspark.schema import TableContract

from schema import tables

CONTRACTS = [value for value in vars(tables).values() if isinstance(value, TableContract)]


def test_no_two_tables_share_a_name() -> None:
    names = [contract.name for contract in CONTRACTS]
    assert len(names) == len(set(names)) > 0


def test_keys_are_columns() -> None:
    for contract in CONTRACTS:
        assert set(contract.keys) <= set(contract.schema.names), contract.name
