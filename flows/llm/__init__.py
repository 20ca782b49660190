"""Large language models: the contract of a provider, and the providers."""
