"""The service: one custom-engine API over many engines. Knows no cloud."""
