"""Dialogue files in, clean and segmented dialogues in SQL out."""
