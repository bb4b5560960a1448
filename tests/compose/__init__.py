"""The stack of docker-compose.yml."""
