"""The pages for browsers: interviews behind apply links, chats, and their common frame."""
