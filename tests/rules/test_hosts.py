"""Which connectors an entry of the settings stands for."""

import pytest

from bot.teams.hosts import Hosts


@pytest.mark.parametrize(
    ("entry", "allowed", "refused"),
    [
        ("smba.trafficmanager.net", "https://smba.trafficmanager.net/emea/", "http://smba.trafficmanager.net/"),
        ("127.0.0.1:8443", "http://127.0.0.1:8443/teams/", "https://127.0.0.1:8443/teams/"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443/teams/", "http://127.0.0.1:8443/teams/"),
    ],
)  # fmt: skip
def test_an_entry_means_one_scheme(entry: str, allowed: str, refused: str) -> None:
    hosts = Hosts([entry])
    assert hosts.allow(allowed)
    assert not hosts.allow(refused)
