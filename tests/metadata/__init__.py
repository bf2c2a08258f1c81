"""What hassfest, HACS and the project itself ask of the repository's files, checked without a network."""
