"""The command line: thin verbs over the server's API."""
