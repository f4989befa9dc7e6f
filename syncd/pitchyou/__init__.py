"""The client for the PitchYou API. It needs neither a database nor a configuration file."""

from syncd.pitchyou.auth import TokenAuth
from syncd.pitchyou.budget import values_in
from syncd.pitchyou.chat import PITCHYOU_CHAT_URL, chat_url
from syncd.pitchyou.client import PitchYou
from syncd.pitchyou.drift import UnknownFields
from syncd.pitchyou.http import Gathered, Limits, Proxy, Sink, server_of
from syncd.pitchyou.links import PITCHYOU_APPLY_URL, apply_link
from syncd.pitchyou.listing import Listing, Unread
from syncd.pitchyou.payloads import read_profile
from syncd.pitchyou.retry import limited
from syncd.pitchyou.spool import element_of
from syncd.pitchyou.templates import TemplateList

__all__ = [
    "PITCHYOU_APPLY_URL",
    "PITCHYOU_CHAT_URL",
    "Gathered",
    "Limits",
    "Listing",
    "PitchYou",
    "Proxy",
    "Sink",
    "TemplateList",
    "TokenAuth",
    "UnknownFields",
    "Unread",
    "apply_link",
    "chat_url",
    "element_of",
    "limited",
    "read_profile",
    "server_of",
    "values_in",
]
