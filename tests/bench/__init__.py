"""What a log costs: each figure beside the floor that the same work cannot go below."""
