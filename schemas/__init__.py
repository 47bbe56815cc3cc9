"""The vocabulary of the gateway: frozen types, errors and the published JSON Schemas. Imports nothing of ours."""
