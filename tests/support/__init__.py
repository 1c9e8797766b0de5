"""Code that tests share: media, doubles of AWS, running programs. This folder has no tests."""
