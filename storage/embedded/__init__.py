"""PostgreSQL and Redis out of the package index, run by this process in a folder of its own."""
