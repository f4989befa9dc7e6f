"""A complete sync on this machine: an embedded Postgres, a simulated PitchYou, the real daemon, and a report.

Everything between Postgres and PitchYou is the code that runs in production. Only the waiting times are shorter.
"""

from syncd.demo.play import run_demo
from syncd.demo.report import Report
from syncd.demo.text import as_text

__all__ = ["Report", "as_text", "run_demo"]
