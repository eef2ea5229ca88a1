"""What tests are made of: small clips with known words at known times."""
