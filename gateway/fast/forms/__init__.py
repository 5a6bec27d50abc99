"""The types of common requests, replies and answers: what codecs read and write."""
