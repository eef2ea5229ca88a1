"""What is known of words, languages and times, whoever needs it."""
