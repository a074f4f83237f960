"""The site that `./dev docs` builds from these pages: Sphinx with MyST, each warning an error."""

project = "Ostro"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Ostro"
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
exclude_patterns = ["reference/examples/**"]
