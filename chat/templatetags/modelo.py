"""Whether pages offer what a model does."""

from __future__ import annotations

from django import template

from chat.llm import endpoint

register = template.Library()
register.simple_tag(endpoint.configured, name="hay_modelo")
