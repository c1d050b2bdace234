"""Workflows: thin durable shells around the domain's decisions."""
