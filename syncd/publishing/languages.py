"""The languages that what is published can be had in."""

from typing import Literal

Language = Literal["de", "en"]
