"""Which templates a fleet runs.

A template is a program: rendering runs its hooks and its Jinja extensions. A project on this machine is the
user's own choice. One that was cloned because a list named it is not, and it names its template itself: so
only templates that the user knows are run for those.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from mshell_cut import catalogue, source
from mshell_cut.credentials import without_credentials


def trusts(named: Sequence[str]) -> Callable[[str], bool]:
    """Make a test of templates' addresses.

    Args:
        named: addresses that the user trusts beside those of the catalogue.

    Raises:
        FileUnreadableError: the user's catalogue is damaged.
    """
    known = {_plain(address) for address in named}
    for template in catalogue.templates():
        if template.address is None:
            with catalogue.opened(template.name) as ours:
                known |= {_plain(ours.address)} if ours.address else set()
        else:
            known.add(_plain(template.address))
    return lambda address: _plain(address) in known


def _plain(address: str) -> str:
    if not source.is_remote(address):
        return str(Path(address).expanduser().resolve())
    return source.plain(without_credentials(address))
