"""Simulates PitchYou on this machine, with pages, faults, a ledger and an audit: for tests, the demo and integrators.

The sandbox shares no code with the rest of syncd, so that its findings are independent evidence.
"""

from syncd.sandbox.audit.store_audit import AuditReport, AuditUnavailable
from syncd.sandbox.config import SandboxConfig, Tenant, choices
from syncd.sandbox.faults import ENDPOINTS, KINDS, Fault, parse_fault
from syncd.sandbox.ledger import ChatMessage, Confirm, Ledger, ListAnswer, MediaRecord, Request, TokenRequest
from syncd.sandbox.pages.applicant import ApplyRefused
from syncd.sandbox.simulator import Sandbox

__all__ = [
    "ENDPOINTS",
    "KINDS",
    "ApplyRefused",
    "AuditReport",
    "AuditUnavailable",
    "ChatMessage",
    "Confirm",
    "Fault",
    "Ledger",
    "ListAnswer",
    "MediaRecord",
    "Request",
    "Sandbox",
    "SandboxConfig",
    "Tenant",
    "TokenRequest",
    "choices",
    "parse_fault",
]
