"""What programs may ask the desk, as an OpenAPI document and as a page for people (docs/api.md)."""
