"""Creates what people see: buttons, QR codes, sheets, embedded chats. Takes text, returns text or bytes."""
