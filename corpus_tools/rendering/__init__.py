"""What the commands show, as text and as JSON."""
