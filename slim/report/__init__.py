"""Estimates and verdicts as text for a terminal and as JSON documents. Nothing is computed here.

Data comes from `slim.estimate` and from the reports of the passes; it goes to the terminal (`terminal`, `units` for
numbers) or to a program (`documents`, described by `slim.schema.json` in this folder).
"""
