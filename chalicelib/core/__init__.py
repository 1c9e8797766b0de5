"""Pure computation: values in, values out. Knows audio and transcripts, nothing of AWS."""
