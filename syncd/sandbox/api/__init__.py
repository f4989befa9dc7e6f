"""The endpoints of the article, and the control endpoints for tests."""
