"""Knowledge: documents read, cut into chunks, embedded, and answered from."""
