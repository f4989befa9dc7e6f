"""The client for the PitchYou API. It needs neither a database nor a configuration file."""

from syncd.pitchyou.client import Listing, PitchYou
from syncd.pitchyou.http import Limits, Response
from syncd.pitchyou.retry import limited

__all__ = ["Limits", "Listing", "PitchYou", "Response", "limited"]
