"""The corpora that come with the project, and what makes training data of them."""
