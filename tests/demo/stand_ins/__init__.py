"""Replacements for modules that need a compiler to be installed.

Home Assistant imports them for voice assist. Without them it starts, but cannot list
its actions, so its user interface never gets past the launch screen. This folder is put
on the import path of a Home Assistant that lacks them. Nothing in them works or is
used.
"""
