"""Files by signed links: the one way to them from outside."""
