"""Commands that deploy Earshot into an AWS account, run it there, and remove it."""
