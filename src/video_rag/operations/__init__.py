"""Use-cases beside the library: API keys, and the rows that every door prints."""
