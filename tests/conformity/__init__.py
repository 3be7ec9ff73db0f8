"""Whether our adapters ask what the gateways' own OpenAPI files say: `make conformidad OPENAPI_DIR=…`.

The files are not ours and are not kept here. Not part of `make test`.
"""
