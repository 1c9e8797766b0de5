"""What puts Earshot into an AWS account and takes it out again."""
