"""Shipped data of the intake: starter.tsv, sentences written for a first classifier.

They are no real reports: they were written by hand, some twenty of each class of the scheme
``gridbeat-demo`` in Chinese and English, so that a new district has something to begin with.
"""
