"""The way out: what may be opened, the checking proxy, one HTTP client, what a site is."""
