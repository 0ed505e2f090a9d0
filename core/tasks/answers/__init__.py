"""Extraction and comparison of answers: boxes, final lines, exact numbers, calculator annotations, formulas.

Plain numbers are compared exactly by our own code; only what is left goes to math-verify, in processes that can be
killed.
"""
