"""Video collections become a knowledge base that cites the very second."""
