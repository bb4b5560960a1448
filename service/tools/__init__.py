"""Small programs beside the service, for the containers around it. They import nothing of it, to start at once."""
