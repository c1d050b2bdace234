"""NIBE and its sister brands through the myUplink cloud.

Protects: a "modified" of this cloud is an acceptance and never evidence; some writes it confirms are never applied.
"""
