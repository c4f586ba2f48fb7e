"""Clients of what the function talks to: S3, DynamoDB, SES, Astro."""
