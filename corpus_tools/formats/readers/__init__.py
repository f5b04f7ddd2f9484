"""One reader a format, and what readers share; `corpus_tools.formats.catalogue` lists them."""
