"""What is stored of a project, and what is kept while it is reloaded."""
