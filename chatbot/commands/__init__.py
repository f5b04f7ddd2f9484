"""What each command of `chatbot` takes, calls and prints."""
