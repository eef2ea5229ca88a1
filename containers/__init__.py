"""`make docker-test`: the containers of deploy/ for real, on an engine of its own."""
