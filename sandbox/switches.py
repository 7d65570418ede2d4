"""Switches: how Partner Center behaves where its documentation leaves it open."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class UnknownSwitch(ValueError):
    """No switch has this name, or it cannot have this value."""


class Echo(StrEnum):
    """How a registration's values come back when it is read."""

    TRIMMED = "trimmed"
    """Dates without trailing zeros, as the reference's read-back shows them."""
    VERBATIM = "verbatim"
    """Byte for byte as they were sent."""
    NORMALISED = "normalised"
    """Dates to the second, numbers with one decimal, members in another order."""


@dataclass(slots=True)
class Switches:
    """Every switch with its default; U-numbers are those of the API reference, section 14."""

    partner_eligible: bool = True
    """Whether the partner may register deals at all (U22)."""
    mfa: bool = True
    """Refuse tokens whose `amr` lacks mfa with 401 and code 900421 (U2)."""
    force_204: bool = False
    """Answer a PATCH with 204 even when `Prefer` asks for the body (U13)."""
    require_won: bool = False
    """Register only deals whose own status is Closed/Won (U25)."""
    enforce_form_rules: bool = True
    """Apply the portal's form validations 1-6 to registrations (U28)."""
    registrations_frozen: bool = False
    """Refuse every registration, as in the weeks before the fiscal year ends."""
    registration_visible_after: float = 0.0
    """Seconds until a new registration shows up in reads (U30)."""
    registration_echo: str = Echo.TRIMMED
    """How registrations are read back: `trimmed`, `verbatim` or `normalised`."""
    omit_empty_registrations: bool = False
    """Leave `registrations` out of a referral that has none, instead of `[]`."""
    list_etags: bool = False
    """Whether entries of a list carry `eTag`; the documented samples do not."""
    page_size: int = 100
    """Entries on a page of the list (U19)."""
    next_link: str = "own"
    """`own`; `documented` (http and another path, as in the samples); `loop`; or an absolute
    base address to point the link at."""
    marketplace_leads: bool = False
    """Return commercial-marketplace leads, which the API normally hides."""
    requests_per_minute: int = 0
    """Above this many requests in a minute answer 429 (U34); 0 is no limit."""

    def apply(self, values: Mapping[str, object]) -> None:
        """Set several switches, all or none. Raises UnknownSwitch."""
        checked = {name: self._checked(name, value) for name, value in values.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def reset(self) -> None:
        """Every switch back to its default."""
        for switch in dataclasses.fields(self):
            setattr(self, switch.name, switch.default)

    def values(self) -> dict[str, bool | int | float | str]:
        """All switches by name, as they stand."""
        return dataclasses.asdict(self)

    def _checked(self, name: str, value: object) -> object:
        present = self.values().get(name)
        if present is None:
            raise UnknownSwitch(f"there is no switch {name!r}")
        number = isinstance(present, int | float) and not isinstance(present, bool)
        if number and isinstance(value, int | float) and not isinstance(value, bool):
            if value < 0 or (isinstance(present, int) and value != int(value)):
                raise UnknownSwitch(f"switch {name} cannot be {value!r}")
            return type(present)(value)
        if type(value) is not type(present) and not (
            isinstance(present, str) and isinstance(value, str)
        ):
            raise UnknownSwitch(f"switch {name} takes {type(present).__name__}, not {value!r}")
        if name == "registration_echo" and value not in set(Echo):
            raise UnknownSwitch(f"switch {name} takes one of {', '.join(Echo)}")
        return value
