"""The endpoints of the article, and what a test can order of a running sandbox."""
