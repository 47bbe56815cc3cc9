"""The documentation page: Swagger UI from files on disk, nothing from elsewhere.

The files are those that the package mkdocs-swagger-ui-tag carries: Swagger UI 5 as it was released, next to a plugin
of MkDocs that is never imported.
"""

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from msgspec import Struct

PAGE_PATH = "/docs"
ASSETS_PATH = "/docs/{asset}"

# Swagger UI sets styles by script, which needs no permission; its style sheet holds pictures as data.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_PACKAGE = "mkdocs_swagger_ui_tag"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>openscale-gateway</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
# The address is relative to the page, so it also holds behind a proxy that adds a prefix.
_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#ui",
  deepLinking: true,
  validatorUrl: null,
});
"""


class Asset(Struct, frozen=True):
    """A file of the page, with its media type."""

    content: bytes
    media_type: str


def page() -> Asset:
    """Return the page itself."""
    return Asset(_PAGE.encode(), "text/html")


def assets() -> Mapping[str, Asset]:
    """Read what the page refers to, by name; about 2 MB."""
    folder: Traversable = files(_PACKAGE) / "swagger-ui"
    return {
        "swagger-ui.css": Asset((folder / "stylesheets" / "swagger-ui.css").read_bytes(), "text/css"),
        "swagger-ui-bundle.js": Asset(
            (folder / "javascripts" / "swagger-ui-bundle.js").read_bytes(), "text/javascript"
        ),
        "start.js": Asset(_START.encode(), "text/javascript"),
    }
