"""Pure computation on audio and transcripts: values in, values out, without AWS."""
