"""What a browser sees: interviews behind apply links, chats, and their common frame."""
