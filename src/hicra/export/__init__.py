"""Run folders for other tools: tidy Parquet tables, and logs of Inspect."""
