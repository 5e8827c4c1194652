"""A made-up world of two games that fills a fresh server, so that there is something to see."""
