"""A feed document's bytes to clean items. Pure; runs in the sandbox's child, for strangers wrote what it reads."""
