"""Indicators of the process, each with its printed definition and its denominator."""
