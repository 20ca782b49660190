"""The verbs of a chat, a file each. A new verb is one file here and one line in `flows/chat.py`."""
