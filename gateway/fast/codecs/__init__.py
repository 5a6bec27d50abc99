"""The codecs of common requests and whole replies, one for each pair of shapes."""
