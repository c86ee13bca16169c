"""Other projects' names for what millibar has."""
