"""From where the request that is being answered came; empty outside of one."""

from contextvars import ContextVar

address: ContextVar[str] = ContextVar("address", default="")
