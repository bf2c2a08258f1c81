"""Modules that Home Assistant imports for voice assist, and that would need a compiler to be installed.

Without them it starts, but cannot list its actions, and so its user interface never gets past the launch screen. This
folder is put on the import path of a Home Assistant that would go without. Nothing in them works, nor is used.
"""
