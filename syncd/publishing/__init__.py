"""What leaves syncd for people to see: buttons, QR codes, sheets, embeddings. Text in, text or bytes out."""
