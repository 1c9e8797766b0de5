"""What tests share: media, doubles of AWS, running programs. No test is in here."""
