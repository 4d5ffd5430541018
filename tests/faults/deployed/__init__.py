"""Workflows in two releases, which RELEASE tells apart: old, and new with other steps in each workflow.

No installation lists them: a process of the harness loads them when it is forked, so each has the code of one release.
"""
