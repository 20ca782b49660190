"""Documents taken in and found again: the use cases over `flows/knowledge` and `storage`."""
