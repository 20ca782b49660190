"""Files read: bytes in, a document of Markdown out, or the reason why not."""
