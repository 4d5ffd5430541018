"""Carry product packages of orchestrator-core over: which names moved where, and how to rewrite imports."""
