"""Scripted workers that lie or bungle, and honest ones beside them, on the same goals."""
