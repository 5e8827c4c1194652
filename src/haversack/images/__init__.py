"""The image proxy: pictures from elsewhere, fetched safely, cut to the size a page asks for, and kept."""
