"""Static files in production: hashed names, also inside JavaScript modules, so that a release is never half old."""

from functools import cache

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    support_js_module_import_aggregation = True
    # One for each module of the longest row in which they import one another; what needs fewer does no more of them.
    max_post_process_passes = 12

    @cache  # noqa: B019 - the manifest is read once, and there is one storage
    def url(self, name: str, force: bool = False) -> str:
        return str(super().url(name, force))
